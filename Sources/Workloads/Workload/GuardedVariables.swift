/// Variables of a workload's environment that are not set on the host unasked, by kind.
///
/// Names must match exactly, but for kinds that programs read in any case. Such a list is never complete, so it holds
/// whole families, by their beginning or end, if most of their members matter.
public struct GuardedVariables: Sendable {
  /// For people, as in docs/shell.md.
  public let kind: String
  /// The harm that such a variable could do.
  public let reason: String
  /// Names; a `*` at the beginning or the end matches anything.
  public let patterns: [String]

  /// True if some program reads such names in any case.
  public let anyCase: Bool

  private let names: Set<String>
  private let beginnings: [String]
  private let ends: [String]

  init(_ kind: String, _ reason: String, anyCase: Bool = false, _ patterns: String) {
    self.kind = kind
    self.reason = reason
    self.anyCase = anyCase
    self.patterns = patterns.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
    let all = anyCase ? self.patterns.map { $0.lowercased() } : self.patterns
    names = Set(all.filter { !$0.contains("*") })
    beginnings = all.filter { $0.hasSuffix("*") }.map { String($0.dropLast()) }
    ends = all.filter { $0.hasPrefix("*") }.map { String($0.dropFirst()) }
  }

  /// Checks whether a variable is of this kind.
  public func covers(_ name: String) -> Bool {
    let name = anyCase ? name.lowercased() : name
    return names.contains(name) || beginnings.contains(where: name.hasPrefix) || ends.contains(where: name.hasSuffix)
  }

  /// The user's and the machine's own: left out silently.
  public static let personal = GuardedVariables(
    "yours", "they belong to you or to this machine",
    """
    PATH HOME USER LOGNAME SHELL PWD OLDPWD TERM COLORTERM TMPDIR TMP TEMP LANG LANGUAGE LC_* XDG_* DISPLAY
    WAYLAND_DISPLAY XAUTHORITY MAIL HOSTNAME SHLVL _
    """)

  /// Left out, with a warning.
  public static let groups = [
    GuardedVariables(
      "shells",
      "files and commands that a shell runs at its start or at each prompt, functions in the place of commands, "
        + "the history's file",
      """
      BASH_* BASHOPTS SHELLOPTS ENV PROMPT PROMPT_COMMAND PROMPT_DIRTRIM PS0 PS1 PS2 PS3 PS4 RPS1 RPS2 RPROMPT SPROMPT
      IFS CDPATH GLOBIGNORE EXECIGNORE FPATH FCEDIT FIGNORE HIST* INPUTRC MAILPATH MAILCHECK MODULE_PATH NULLCMD
      READNULLCMD POSIXLY_CORRECT STTY TMOUT TMPPREFIX ZDOTDIR ZSH* fish_* __fish_* STARSHIP_* DIRENV_* TMUX* STY
      SCREENRC TERMCAP TERMINFO TERMINFO_DIRS FZF_*
      """),
    GuardedVariables(
      "loaders", "libraries and modules that are loaded into every program, files that the C library reads or writes",
      """
      LD_* DYLD_* GLIBC_TUNABLES GCONV_PATH LOCPATH NLSPATH GETCONF_DIR HOSTALIASES RESOLV_HOST_CONF RES_OPTIONS
      LOCALDOMAIN MALLOC_TRACE GMON_OUT_PREFIX ASAN_* LSAN_* MSAN_* TSAN_* UBSAN_* LLVM_* GCOV_* GIO_* GTK_* GTK2_*
      GTK3_* QT_* QML_* QML2_* GST_* VK_* OCL_* LIBGL_* LIBVA_* ALSA_* SASL_* MAGICK_* OMPI_* OMP_TOOL_LIBRARIES
      GDK_PIXBUF_MODULE_FILE ODBCSYSINI ODBCINI ODBCINSTINI LIBMYSQL_PLUGIN* SDL_DYNAMIC_API
      __EGL_VENDOR_LIBRARY_* __GLX_VENDOR_LIBRARY_NAME
      GDAL_DRIVER_PATH HDF5_PLUGIN_PATH LADSPA_PATH SPA_PLUGIN_DIR FONTCONFIG_FILE WINE*
      """),
    GuardedVariables(
      "interpreters", "code that a language's runtime loads before the program, or looks for its modules in",
      """
      PYTHONSTARTUP PYTHONPATH PYTHONHOME PYTHONUSERBASE PYTHONEXECUTABLE PYTHONPLATLIBDIR PYTHONINSPECT
      PYTHONBREAKPOINT PYTHONWARNINGS PYTHONPYCACHEPREFIX PYTHON_HISTORY PYTHON_PRESITE IPYTHONDIR JUPYTER_* VIRTUAL_ENV
      CONDA_* COVERAGE_* PYTEST_* PERL* RUBYLIB RUBYOPT RUBYPATH RUBYSHELL RUBYGEMS_* GEM_* BUNDLE_* IRBRC PRYRC
      NODE_OPTIONS NODE_PATH NODE_REPL_* NODE_V8_COVERAGE NODE_REDIRECT_WARNINGS BUN_* DENO_* PHPRC PHP_INI_SCAN_DIR
      LUA_* TCLLIBPATH TCL_LIBRARY R_* JULIA_* ERL_* ELIXIR_ERL_OPTIONS GUILE_* GHCRTS GHC_* CAML_* OCAML* AWKPATH
      AWKLIBPATH JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS JAVA_OPTS JAVA_HOME JAVACMD JVM_OPTS CATALINA_OPTS
      CLASSPATH IBM_JAVA_OPTIONS OPENJ9_JAVA_OPTIONS NODE_COMPILE_CACHE PYLINTRC MIX_* PYENV_* RBENV_* ASDF_* NVM_*
      DOTNET_STARTUP_HOOKS DOTNET_ADDITIONAL_DEPS DOTNET_SHARED_STORE DOTNET_ROOT* DOTNET_HOST_PATH
      DOTNET_DiagnosticPorts DOTNET_BUNDLE_EXTRACT_BASE_DIR DOTNET_EnableEventPipe* DOTNET_Dbg* COMPlus_* CORECLR_*
      COR_* MONO_* ASPNETCORE_HOSTINGSTARTUPASSEMBLIES GNUPLOT_* OCTAVE_* SBCL_HOME TEXMF* TEXINPUTS
      """),
    GuardedVariables(
      "build tools", "compilers, wrappers and plugins that a build runs, and where it gets its packages",
      """
      CC CXX CPP LD AR AS CFLAGS CXXFLAGS CPPFLAGS LDFLAGS COMPILER_PATH GCC_* CPATH LIBRARY_PATH PKG_CONFIG* CMAKE_*
      CGO_* CARGO_* RUSTC* RUSTDOC* RUSTFLAGS RUSTUP_* GOFLAGS GOENV GOROOT GOPATH GOBIN GOPROXY GONOPROXY GOPRIVATE
      GOINSECURE GOSUMDB GONOSUMDB GOVCS GOTOOLCHAIN GOTOOLDIR GOWORK GODEBUG MAKEFLAGS MAKEFILES GNUMAKEFLAGS MFLAGS
      MAVEN_* GRADLE_* ANT_* SBT_* LEIN_* MSBUILD* NUGET_* COREPACK_* PIP_* PIPX_* UV_* POETRY_* TWINE_* COMPOSER_*
      BAZEL* CCACHE_* TAR_OPTIONS ZIPOPT UNZIP ZIPINFO GZIP XZ_OPT XZ_DEFAULTS SWIFT_EXEC SWIFTPM_* CONFIG_SHELL
      CONFIG_SITE ESBUILD_BINARY_PATH DEPENDENCIES_OUTPUT SUNPRO_DEPENDENCIES GOCACHEPROG GOAUTH GOCACHE GOMODCACHE
      GOTMPDIR GOEXPERIMENT RM FC PC CO M2C LEX YACC LINT TEX TEXI2DVI MAKE MAKEINFO ACLOCAL* AUTOCONF AUTOHEADER
      AUTOM4TE AUTOMAKE AUTOPOINT LIBTOOLIZE SCONSFLAGS VALGRIND_*
      """),
    GuardedVariables(
      "npm and its like", "scripts, registries and shells of a package manager, which reads such names in any case",
      anyCase: true, "npm_* yarn_* pnpm_*"),
    GuardedVariables(
      "git and other version control", "programs that git, hg or svn run, and their settings",
      "GIT_* HGRCPATH HGEDITOR HGMERGE SVN_* CVS_RSH RSYNC_* RCLONE_* RESTIC_* BORG_*"),
    GuardedVariables(
      "pagers, editors and browsers", "programs that others start, and the files of settings that make them start some",
      """
      PAGER *_PAGER LESS* MANPAGER MANOPT MANROFFOPT MANPATH MORE EDITOR *_EDITOR VISUAL BROWSER *_BROWSER *_ASKPASS VIM
      VIMINIT VIMRUNTIME MYVIMRC EXINIT GVIMINIT NVIM_* EMACS* PSQLRC PGSYSCONFDIR PGSERVICEFILE
      MYSQL_HOME LDAPCONF LDAPRC WGETRC SYSTEM_WGETRC CURL_HOME NETRC
      RIPGREP_CONFIG_PATH BAT_* GH_* FFREPORT *_HISTORY *HISTFILE ACKRC GROFF_* LYNX_CFG* MAILRC MANLESS NNN_* SYSTEMD_*
      TIGRC_*
      """),
    GuardedVariables(
      "clusters, containers and clouds",
      "your own tools' connection to a cluster, an engine or an account, and programs that give them credentials",
      """
      KUBECONFIG KUBECTL_* KUBERC KREW_* HELM_* SKAFFOLD_* KUSTOMIZE_* DOCKER_* BUILDKIT_* COMPOSE_* CONTAINER_HOST
      CONTAINERS_* BUILDAH_* PODMAN_* REGISTRY_AUTH_FILE TESTCONTAINERS_* AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE
      CLOUDSDK_* GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES AZURE_CONFIG_DIR AZURE_EXTENSION_DIR TF_CLI_*
      TF_PLUGIN_CACHE_DIR TERRAFORM_CONFIG ANSIBLE_* BOTO_CONFIG K9S_* MINIKUBE_* PACKER_* PULUMI_* TERRAGRUNT_*
      TG_TF_PATH VAGRANT_* VAULT_CONFIG_PATH
      """),
    GuardedVariables(
      "trust",
      "certificates and settings by which programs decide whom to believe, and files into which they write their keys",
      """
      OPENSSL_* SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE NODE_EXTRA_CA_CERTS
      NODE_TLS_REJECT_UNAUTHORIZED AWS_CA_BUNDLE NIX_SSL_CERT_FILE SYSTEM_CERTIFICATE_PATH
      GRPC_DEFAULT_SSL_ROOTS_FILE_PATH GNUTLS_* GNUPGHOME GPG_* KRB5_* P11_KIT_* NSS_*
      """),
    GuardedVariables(
      "proxies",
      "servers to ask in the place of the real one, also for addresses outside the cluster, "
        + "whose traffic leaves from this machine",
      anyCase: true, "*_proxy"),
    GuardedVariables(
      "the session's", "agents and buses of this machine that programs speak to",
      "SSH_* DBUS_* NOTIFY_SOCKET LISTEN_FDS LISTEN_PID SUDO_* PULSE_*"),
  ]
}
