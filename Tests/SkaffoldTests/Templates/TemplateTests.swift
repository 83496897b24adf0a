import Testing

@testable import Skaffold

/// The expected values are those of Go's text/template with Sprig 2, which Skaffold uses.
struct TemplateTests {
  static let environment = [
    "NAME": "Shop", "TAG": "v1.2.3", "EMPTY": "", "BRANCH": "feature/Foo_bar-1", "N": "42",
  ]

  static let templates: [(template: String, expected: String)] = [
    (
      #"{{if .NAME}}x{{end}}"#,
      "x"
    ),
    (
      #"{{if .GONE}}x{{else}}y{{end}}"#,
      "y"
    ),
    (
      #"{{if eq .NAME "shop"}}a{{else if eq .NAME "Shop"}}b{{else}}c{{end}}"#,
      "b"
    ),
    (
      #"{{if and .NAME (not .EMPTY)}}both{{end}}"#,
      "both"
    ),
    (
      #"{{if or .EMPTY .NAME}}one{{end}}"#,
      "one"
    ),
    (
      #"{{and .NAME .TAG}}|{{or .EMPTY .TAG}}"#,
      "v1.2.3|v1.2.3"
    ),
    (
      #"{{with .NAME}}<{{.}}>{{end}}{{with .EMPTY}}no{{else}}none{{end}}"#,
      "<Shop>none"
    ),
    (
      #"{{range $i, $e := splitList "." "a.b.c"}}{{$i}}={{$e}};{{end}}"#,
      "0=a;1=b;2=c;"
    ),
    (
      #"{{range until 3}}{{.}},{{end}}"#,
      "0,1,2,"
    ),
    (
      #"{{range list}}x{{else}}empty{{end}}"#,
      "empty"
    ),
    (
      #"{{range $k, $v := dict "b" 1 "a" 2}}{{$k}}{{$v}}{{end}}"#,
      "a2b1"
    ),
    (
      #"{{$x := .NAME | lower}}{{$x}}-{{$x | upper}}"#,
      "shop-SHOP"
    ),
    (
      #"{{$x := "a"}}{{if .NAME}}{{$x = "b"}}{{end}}{{$x}}"#,
      "b"
    ),
    (
      #"{{(split "." .TAG)._1}}"#,
      "2"
    ),
    (
      #"{{.BRANCH | lower | replace "/" "-" | trunc 10 | trimSuffix "-"}}"#,
      "feature-fo"
    ),
    (
      #"{{regexReplaceAll "[^a-zA-Z0-9]+" .BRANCH "-"}}"#,
      "feature-Foo-bar-1"
    ),
    (
      #"{{regexReplaceAllLiteral "o" .BRANCH "0"}}"#,
      "feature/F00_bar-1"
    ),
    (
      #"{{regexMatch "^v[0-9]" .TAG}}"#,
      "true"
    ),
    (
      #"{{regexFind "[0-9.]+" .TAG}}"#,
      "1.2.3"
    ),
    (
      #"{{printf "%s-%d-%05d-%v-%q-%x-%t" .NAME 7 42 1.5 "a" 255 true}}"#,
      "Shop-7-00042-1.5-\"a\"-ff-true"
    ),
    (
      #"{{printf "%d" .NAME}}|{{printf "%s"}}|{{printf "x" 1}}"#,
      "%!d(string=Shop)|%!s(MISSING)|x%!(EXTRA int=1)"
    ),
    (
      #"{{printf "%5s|%-5s|%.2f|%+d" "a" "b" 3.14159 3}}"#,
      "    a|b    |3.14|+3"
    ),
    (
      #"{{add 1 2 3}} {{sub 5 3}} {{mul 2 3 4}} {{div 7 2}} {{mod 7 2}} {{add1 1}} {{max 1 5 3}}"#,
      "6 2 24 3 1 2 5"
    ),
    (
      #"{{min 4 2}}"#,
      "2"
    ),
    (
      #"{{add .N 1}} {{atoi .N}} {{int "7"}} {{float64 "1.5"}}"#,
      "43 42 7 1.5"
    ),
    (
      #"{{b64enc .NAME}} {{b64dec "U2hvcA=="}} {{sha256sum .NAME}}"#,
      "U2hvcA== Shop d00aae6b7fbf77a4566d8df36805d7ae973894da9f533ec96516b31e028b71eb"
    ),
    (
      #"{{title "hello world"}} {{untitle "Hello World"}} {{snakecase "FirstName"}}"#,
      "Hello World hello world first_name"
    ),
    (
      #"{{camelcase "http_server"}} {{kebabcase "FirstName"}} {{swapcase "aB"}}"#,
      "httpServer first-name Ab"
    ),
    (
      #"{{initials "First Try"}}"#,
      "FT"
    ),
    (
      #"{{nospace " a b "}}|{{trim "  x "}}|{{trimAll "$" "$5$"}}|{{cat "a" "b" 1}}|{{repeat 3 "ab"}}"#,
      "ab|x|5|a b 1|ababab"
    ),
    (
      #"{{contains "ell" "hello"}} {{hasPrefix "he" "hello"}} {{hasSuffix "lo" "hello"}}"#,
      "true true true"
    ),
    (
      #"{{indent 2 "a\nb"}}|{{nindent 1 "a"}}"#,
      "  a\n  b|\n a"
    ),
    (
      #"{{quote .NAME 1}} {{squote "a" "b"}}"#,
      "\"Shop\" \"1\" 'a' 'b'"
    ),
    (
      #"{{default "x" .EMPTY}} {{coalesce .EMPTY .NAME}} {{empty .EMPTY}}"#,
      "x Shop true"
    ),
    (
      #"{{ternary "a" "b" true}}"#,
      "a"
    ),
    (
      #"{{join "-" (list "a" "b" 1)}} {{list 1 2 3}} {{first (list 1 2)}} {{last (list 1 2)}}"#,
      "a-b-1 [1 2 3] 1 2"
    ),
    (
      #"{{rest (list 1 2 3)}} {{initial (list 1 2 3)}} {{reverse (list 1 2)}}"#,
      "[2 3] [1 2] [2 1]"
    ),
    (
      #"{{uniq (list 1 1 2)}} {{has 2 (list 1 2)}} {{without (list 1 2 3) 2}}"#,
      "[1 2] true [1 3]"
    ),
    (
      #"{{append (list 1) 2}} {{prepend (list 1) 2}} {{compact (list "" "a")}}"#,
      "[1 2] [2 1] [a]"
    ),
    (
      #"{{sortAlpha (list "b" "a")}}"#,
      "[a b]"
    ),
    (
      #"{{(dict "a" (dict "b" 1)).a.b}}"#,
      "1"
    ),
    (
      #"{{hasKey (dict "a" 1) "a"}} {{keys (dict "a" 1)}} {{values (dict "a" 1)}}"#,
      "true [a] [1]"
    ),
    (
      #"{{pick (dict "a" 1 "b" 2) "a"}} {{omit (dict "a" 1 "b" 2) "a"}}"#,
      "map[a:1] map[b:2]"
    ),
    (
      #"{{toJson (dict "a" (list 1 "x" true))}}"#,
      "{\"a\":[1,\"x\",true]}"
    ),
    (
      #"{{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1 2}} {{ne 1 2}} {{eq "a" "b" "a"}}"#,
      "true true true false true true"
    ),
    (
      #"{{print "a" "b" 1 2 true}} {{print 1 2}} {{println "x"}}"#,
      "ab1 2 true 1 2 x\n"
    ),
    (
      #"{{base "/a/b.txt"}} {{dir "/a/b.txt"}} {{ext "b.tar.gz"}} {{clean "/a/../b"}}"#,
      "b.txt /a .gz /b"
    ),
    (
      #"{{isAbs "/a"}}"#,
      "true"
    ),
    (
      #"{{html "<a>"}} {{urlquery "a b/c"}}"#,
      "&lt;a&gt; a+b%2Fc"
    ),
    (
      #"{{round 3.7 0}} {{floor 3.7}} {{ceil 3.2}} {{round 123.5555 3}}"#,
      "4 3 4 123.556"
    ),
    (
      #"{{untilStep 3 6 2}} {{plural "one" "many" 2}} {{wrap 5 "aa bb cc"}} {{toString 1}}"#,
      "[3 5] many aa bb\ncc 1"
    ),
    (
      #"{{kindOf 1}} {{kindOf "a"}} {{typeOf .NAME}} {{toStrings (list 1 2)}}"#,
      "int string string [1 2]"
    ),
    (
      #"{{"a\tb" | upper}}{{`raw\n`}}{{'a'}}{{1.50}}{{true}}{{0x10}}"#,
      "A\tBraw\\n971.5true16"
    ),
    (
      #"a {{- " b " -}} c {{- /* x */ -}} d"#,
      "a b cd"
    ),
    (
      #"{{- .NAME -}} x"#,
      "Shopx"
    ),
    (
      #"{{concat (list 1) (list 2)}} {{mergeOverwrite (dict "a" 1) (dict "a" 2)}}"#,
      "[1 2] map[a:2]"
    ),
    (
      #"{{merge (dict "a" 1) (dict "a" 2 "b" 3)}} {{pluck "a" (dict "a" 1) (dict "b" 2)}}"#,
      "map[a:1 b:3] [1]"
    ),
    (
      #"{{splitn "." 2 "a.b.c"}} {{.N | add 1 | mul 2}} {{ .NAME | quote | upper }}"#,
      "map[_0:a _1:b.c] 86 \"SHOP\""
    ),
    (
      #"{{dateInZone "2006-01-02 15:04" 0 "UTC"}} {{hello}}"#,
      "1970-01-01 00:00 Hello!"
    ),
  ]

  @Test("Conditions, loops, variables and functions", arguments: templates)
  func expands(row: (template: String, expected: String)) throws {
    #expect(try EnvTemplate(row.template).expanded(Self.environment) == row.expected)
  }

  @Test("A variable that is not set counts as false, and what is made of it is not set either")
  func missing() throws {
    #expect(try EnvTemplate("{{if .GONE}}a{{else}}b{{end}}{{with .GONE}}c{{end}}").expanded([:]) == "b")
    #expect(try EnvTemplate("{{coalesce .GONE .A}}{{.GONE | lower | default \"x\"}}").expanded(["A": "a"]) == "ax")
    #expect(try EnvTemplate("{{ternary .GONE \"a\" false}}{{empty .GONE}}{{quote .GONE}}").expanded([:]) == "atrue")
  }

  @Test("The environment's variables by name, and in a text")
  func environment() throws {
    #expect(try EnvTemplate("{{env \"A\"}}{{env \"B\"}}{{expandenv \"$A-${A}b$\"}}").expanded(["A": "1"]) == "11-1b")
  }

  @Test(
    "A part that cannot be understood is named",
    arguments: [
      ("{{if .A}}x", "a block has no {{end}}"), ("{{end}}", "'{{end}}' without its beginning"),
      ("{{else}}", "'{{else}}' without its beginning"), ("{{$x}}", "the template has no variable $x"),
      ("{{define \"x\"}}{{end}}", "devtunnel does not know the action 'define' of templates"),
      ("{{range .A}}{{end}}", "range needs a list, and 'a' is none"),
      ("{{(lower .A}}", "'{{(lower .A}}' is not complete"),
      ("{{fail \"no\"}}", "no"), ("{{genCA \"a\" 1}}", "devtunnel does not know the template function 'genCA'"),
      ("{{cmd \"true\"}}", "the template function 'cmd' cannot be used here"),
      ("{{index (list 1) 5}}", "the template function 'index' got '5'"),
      ("{{.A.b}}", "'.A.b' is not a variable's name"),
    ])
  func refuses(template: String, message: String) {
    let problem = #expect(throws: EnvTemplate.Problem.self) { try EnvTemplate(template).expanded(["A": "a"]) }
    #expect(
      problem?.message.hasPrefix(message) == true || problem?.message.hasSuffix(message) == true,
      "\(problem?.message ?? "")")
  }

  @Test("No template makes a long text, many values, or many steps", .timeLimit(.minutes(1)))
  func bombs() {
    let deep = String(repeating: "{{if .A}}", count: 5000)
    let wide = String(repeating: "(", count: 5000)
    let templates = [
      "{{repeat 9223372036854775807 \"aa\"}}", "{{until 9223372036854775807}}", "{{untilStep 0 9223372036854775807 1}}",
      "{{range until 9999}}{{range until 9999}}{{end}}{{end}}", "{{range until 9999}}{{repeat 99 \"a\"}}{{end}}",
      "{{indent 9223372036854775807 \"a\"}}", "{{mul 9223372036854775807 9}}", "{{div 1 0}}", "{{mod 1 0}}", deep,
      "{{\(wide)}}", "{{regexReplaceAll \"a\" (repeat 1000 \"a\") \"b\"}}", "{{slice \"a\" 5 2}}",
      "{{slice \"a\" -1}}", "{{div -9223372036854775808 -1}}",
      "{{$x := list \"\"}}{{range until 40}}{{$x = concat $x $x}}{{end}}",
      "{{$x := list}}{{range until 101}}{{$x = list $x}}{{end}}",
      "{{join (repeat 60000 \"a\") (until 4000)}}", "{{wrapWith 1 (repeat 60000 \"a\") (repeat 30000 \"a \")}}",
      "{{if .B}}" + String(repeating: "{{else if .B}}", count: 5000) + "{{end}}",
      "{{$l := until 4000}}{{range $l}}{{range $l}}{{end}}{{end}}",
      String(repeating: "{{$x := repeat 60000 \"a\"}}", count: 3000),
      "{{regexMatch \"(a*)*b\" .LONG}}", "{{regexFind \"a\" .LONG}}", "{{regexFind \"a\" .MARKS}}",
      "{{regexReplaceAllLiteral \"a\" (repeat 100 \"a\") (repeat 1000 \"b\")}}",
    ]
    let environment = [
      "A": "a", "LONG": String(repeating: "a", count: 70_000),
      "MARKS": "a" + String(repeating: "\u{301}", count: 3000),
    ]
    for template in templates {
      #expect(throws: EnvTemplate.Problem.self, "\(template.prefix(60))") {
        try EnvTemplate(template).expanded(environment)
      }
    }
  }

  // MARK: Commands

  private func commands(_ trusted: Bool, _ project: Project) -> TemplateCommands {
    TemplateCommands(
      trust: Trust(isEverything: trusted), root: project.path, environment: ["PATH": "/usr/bin:/bin", "A": "a b"],
      directory: project.path)
  }

  @Test("A program runs once it is allowed, in the configuration's directory; its output is the value")
  func runs() throws {
    let project = try Project(["x.txt": ""])
    let template = try EnvTemplate("{{cmd \"sh\" \"-c\" \"ls; printf \\\"$A\\\"\"}}")
    let refused = #expect(throws: EnvTemplate.Problem.self) {
      try template.expanded([:], commands: commands(false, project))
    }
    #expect(refused?.remedy.contains("--trust") == true)
    let allowed = commands(true, project)
    #expect(try template.expanded([:], commands: allowed) == "x.txt\na b")
    #expect(allowed.demands.map(\.key) == ["cmd sh -c 'ls; printf \"$A\"' in \(project.path)"])
  }

  @Test("A permission holds for those words in that directory")
  func trustKeys() throws {
    let project = try Project([:])
    let allowed = commands(true, project)
    _ = try allowed.run("printf", ["a b"])
    let known = Trust(known: [project.path: Set(allowed.demands.map(\.key))])
    func run(_ arguments: [String], in directory: String) throws(EnvTemplate.Problem) -> String {
      try TemplateCommands(
        trust: known, root: project.path, environment: ["PATH": "/usr/bin:/bin"], directory: directory
      ).run("printf", arguments)
    }
    #expect(try run(["a b"], in: project.path) == "a b")
    #expect(throws: EnvTemplate.Problem.self) { try run(["a", "b"], in: project.path) }
    #expect(throws: EnvTemplate.Problem.self) { try run(["a b"], in: "/") }
    let lists = [["a b"], ["a", "b"], ["a", "", "b"], ["'a' b"], ["a'", "'b"], ["a", "in", "b"], []]
    #expect(Set(lists.map(Words.text)).count == lists.count)
    let hooks = [
      (["make", "a b"], "/x"), (["make", "a", "b"], "/x"), (["make", "a b"], "/y"), (["make"], "/x in /y"),
    ]
    #expect(Set(hooks.map { HostHook(command: $0.0, directory: $0.1).key }).count == hooks.count)
  }

  @Test("A program that fails, or is not there, is an error")
  func failures() throws {
    let project = try Project([:])
    for (template, words) in [
      ("{{cmd \"false\"}}", "status 1"), ("{{cmd \"nonexistent-program\"}}", "not in PATH"),
      ("{{cmd \"./gone\"}}", "status 127"),
    ] {
      let problem = #expect(throws: EnvTemplate.Problem.self) {
        try EnvTemplate(template).expanded([:], commands: commands(true, project))
      }
      #expect(problem?.message.contains(words) == true, "\(problem?.message ?? "")")
    }
  }
}
