import ControlAPI
import Foundation
import Testing

@testable import Workloads

struct HostEnvironmentTests {
  private func taken(_ names: [String], include: [String] = [], exclude: [String] = []) -> HostEnvironment {
    HostEnvironment(
      workload: Dictionary(uniqueKeysWithValues: names.map { ($0, "v") }),
      choice: .init(include: include, exclude: exclude))
  }

  @Test("Leaves out the person's and the machine's own variables without a warning")
  func personal() {
    let names = ["DB_HOST", "PATH", "HOME", "LC_ALL", "XDG_CACHE_HOME", "HOSTNAME", "LCOUNT"]
    #expect(taken(names).variables.keys.sorted() == ["DB_HOST", "LCOUNT"])
    #expect(taken(names).warnings.isEmpty)
    #expect(taken(names, include: ["PATH"]).variables.keys.sorted() == ["DB_HOST", "LCOUNT", "PATH"])
  }

  @Test(
    "Leaves out variables that run code, load code or change whom programs trust",
    arguments: [
      "BASH_ENV", "ENV", "PROMPT_COMMAND", "PS0", "PS1", "PS2", "PS3", "PS4", "BASH_FUNC_ls%%", "BASH_FUNC_ls()",
      "SHELLOPTS", "BASHOPTS", "IFS",
      "ZDOTDIR", "FPATH", "fish_function_path", "HISTFILE", "HISTFILESIZE", "INPUTRC", "LD_PRELOAD", "LD_AUDIT",
      "GLIBC_TUNABLES", "GCONV_PATH",
      "LOCPATH", "NLSPATH", "MALLOC_TRACE", "PYTHONSTARTUP", "PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS", "PERL5LIB",
      "PERL5OPT", "PERL5DB",
      "RUBYLIB", "RUBYOPT", "NODE_OPTIONS", "NODE_PATH", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS",
      "JAVA_OPTS", "CLASSPATH",
      "DOTNET_STARTUP_HOOKS", "CORECLR_PROFILER_PATH", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "GIT_EXTERNAL_DIFF",
      "GIT_PAGER", "PAGER",
      "AWS_PAGER", "LESSOPEN", "LESSCLOSE", "LESS", "MANPAGER", "EDITOR", "VISUAL", "KUBE_EDITOR", "BROWSER",
      "GH_BROWSER", "SUDO_ASKPASS",
      "KUBECONFIG", "DOCKER_HOST", "DOCKER_CONFIG", "AWS_CONFIG_FILE", "CLOUDSDK_PYTHON", "OPENSSL_CONF",
      "SSL_CERT_FILE", "SSL_CERT_DIR",
      "SSLKEYLOGFILE", "NODE_EXTRA_CA_CERTS", "http_proxy", "HTTPS_PROXY", "no_proxy", "npm_config_https_proxy",
      "SSH_AUTH_SOCK", "GOFLAGS",
      "CARGO_BUILD_RUSTC_WRAPPER", "MAKEFLAGS", "CC", "PIP_INDEX_URL", "npm_config_script_shell",
      "NPM_CONFIG_NODE_OPTIONS", "PSQLRC",
      "GIT_X_PORTS", "BASH_FUNC_x_SERVICE_PORT_%%", "Https_Proxy", "NO_Proxy", "Npm_Config_script_shell",
      "Yarn_Registry", "TAR_OPTIONS", "RM",
      "FZF_DEFAULT_COMMAND", "GOCACHEPROG", "GOAUTH", "RSYNC_CONNECT_PROG", "RCLONE_CONFIG", "RESTIC_PASSWORD_COMMAND",
      "ZIPOPT", "SWIFT_EXEC",
      "CONFIG_SHELL", "RIPGREP_CONFIG_PATH", "PSQL_HISTORY", "MYSQL_HISTFILE", "OPENJ9_JAVA_OPTIONS",
      "SYSTEMD_LESS", "MANLESS", "GROFF_BIN_PATH", "AUTOM4TE", "VALGRIND_LIB", "VAULT_CONFIG_PATH", "TEXMFCNF",
    ])
  func guarded(name: String) {
    let left = taken([name, "DB_HOST"])
    #expect(left.variables == ["DB_HOST": "v"] && left.guarded == [name])
    #expect(taken([name], include: [name]).variables == [name: "v"])
    #expect(taken([name], include: [name], exclude: [name]).variables.isEmpty)
  }

  @Test(
    "Keeps variables that configure applications",
    arguments: [
      "DATABASE_URL", "NODE_ENV", "RAILS_ENV", "APP_ENV", "DOTNET_ENVIRONMENT", "ASPNETCORE_URLS", "PYTHONUNBUFFERED",
      "GOMAXPROCS", "GOGC",
      "GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS", "AWS_REGION", "AWS_ACCESS_KEY_ID",
      "AWS_WEB_IDENTITY_TOKEN_FILE",
      "OTEL_SERVICE_NAME", "SPRING_PROFILES_ACTIVE", "PGHOST", "PORT", "TZ", "mail.server.url", "path", "Ld_preload",
      "env", "GIT_SERVICE_HOST",
      "GIT_SERVICE_PORT", "GIT_SERVICE_PORT_SSH", "GIT_PORT", "GIT_PORT_22_TCP", "GIT_PORT_22_TCP_ADDR",
      "KUBERNETES_SERVICE_HOST",
      "MALLOC_ARENA_MAX", "VAULT_ADDR", "VAULT_TOKEN", "TG_TOKEN",
    ])
  func taken(name: String) { #expect(taken([name]).variables == [name: "v"]) }

  @Test("devtunnel's own, and names that would be another variable, never come")
  func never() {
    let names = ["DEVTUNNEL_SHELL_HELPER", "DEVTUNNEL_TOKEN", "LD_PRELOAD=/x.so:", "PATH=/x:", "", "A\0B"]
    #expect(taken(names, include: ["*"]).variables.isEmpty)
    #expect(HostEnvironment(workload: ["A": "x\0y"], choice: .init(include: ["*"])).variables.isEmpty)
  }

  @Test("They are reported once, in one line, with the option that brings them")
  func told() {
    let environment = taken(["PROMPT_COMMAND", "JAVA_TOOL_OPTIONS", "A"])
    #expect(environment.warnings.count == 1)
    #expect(
      environment.warnings.first?.contains("JAVA_TOOL_OPTIONS, PROMPT_COMMAND; --env-include NAME includes one") == true
    )
    #expect(taken(["A"]).warnings.isEmpty)
    #expect(taken(["PROMPT_COMMAND"], exclude: ["PROMPT*"]).warnings.isEmpty)
  }

  @Test("Names are included and excluded letter for letter, or by their beginning")
  func patterns() {
    #expect(taken(["AWS_KEY", "AWS_SECRET", "KAFKA", "KEEP"], exclude: ["AWS_*", "KAFKA"]).variables == ["KEEP": "v"])
    #expect(
      taken(["GIT_DIR", "GIT_PAGER", "PS1"], include: ["GIT_*"]).variables.keys.sorted() == ["GIT_DIR", "GIT_PAGER"])
    #expect(taken(["GIT_DIR"], include: ["git_dir"]).variables.isEmpty)
  }

  @Test(
    "docs/shell.md has every kind, with its names and its reason",
    arguments: [GuardedVariables.personal] + GuardedVariables.groups)
  func documented(group: GuardedVariables) throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../docs/shell.md")
    let text = try String(contentsOf: file, encoding: .utf8)
    let row = "| \(group.kind) | \(group.reason) | \(group.patterns.map { "`\($0)`" }.joined(separator: " ")) |"
    #expect(text.contains(row), "\(row)")
  }
}
