// completion: scripts made from the tables of commands and kinds; names come from `zoe get`.
#include "cli/commands.h"

namespace zoe::cli {
namespace {

// What completion scripts are made of.
struct Vocabulary {
  std::string commands, globals, kinds, named;  // named: commands whose words are KIND NAME
};

std::string FlagWords(const std::vector<Flag>& flags) {
  std::string words;
  for (const Flag& flag : flags) {
    words += (words.empty() ? "--" : " --") + std::string(flag.name);
    if (flag.letter != 0) words += std::string(" -") + flag.letter;
  }
  return words;
}

Vocabulary MakeVocabulary() {
  Vocabulary vocabulary;
  for (const Command& command : Commands())
    vocabulary.commands += (vocabulary.commands.empty() ? "" : " ") + std::string(command.name);
  vocabulary.globals = FlagWords(GlobalFlags());
  for (const std::string_view name : ResourceNames())
    vocabulary.kinds += (vocabulary.kinds.empty() ? "" : " ") + std::string(name);
  return vocabulary;
}

constexpr std::string_view kBash = R"SH(# bash completion for zoe: source <(zoe completion bash)
# Names in the workspace: of the directory that the word has reached. Uses _zoe's cur and scope.
_zoe_files() {
  local dir="" IFS=$'\n'
  [[ $cur == */* ]] && dir="${cur%/*}/"
  COMPREPLY=($(compgen -W "$(zoe "${scope[@]}" files ls "$dir" 2>/dev/null | sed "s|^|$dir|")" -- "$cur"))
  [[ ${#COMPREPLY[@]} == 1 && $COMPREPLY == */ ]] && compopt -o nospace 2>/dev/null
}
_zoe() {
  local cur prev cmd="" words=() i w skip=0
  COMPREPLY=()
  cur="${COMP_WORDS[COMP_CWORD]}"
  prev="${COMP_WORDS[COMP_CWORD-1]}"
  local args=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    w="${COMP_WORDS[i]}"
    if ((skip)); then skip=0; args+=("$w"); continue; fi
    case "$w" in
      -n|--namespace|--context|--server) args+=("$w"); skip=1 ;;
      -o|--output|-f|--filename|-l|--selector|--field-selector|--for|--timeout|-s|--service|--tail|--since|--replica|--param|--name|-p|--patch|--sort-by|--types|-u|--user|--password|--token|--certificate-authority|--token-name|--expires|--description|--proxy|--field-manager|--apply-set) skip=1 ;;
      -*) ;;
      *) if [[ -z $cmd ]]; then cmd="$w"; else words+=("$w"); fi ;;
    esac
  done
  local scope=()
  for ((i = 0; i + 1 < ${#args[@]}; i++)); do
    case "${args[i]}" in -n|--namespace|--context|--server) scope+=("${args[i]}" "${args[i+1]}") ;; esac
  done
  case "$prev" in
    -f|--filename|--certificate-authority) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    -o|--output) COMPREPLY=($(compgen -W "wide json yaml name jsonpath= custom-columns=" -- "$cur")); return ;;
    --context) COMPREPLY=($(compgen -W "$(zoe config get-contexts -o name 2>/dev/null)" -- "$cur")); return ;;
    -n|--namespace) COMPREPLY=($(compgen -W "$(zoe get namespaces -o jsonpath='{.items[*].metadata.name}' 2>/dev/null)" -- "$cur")); return ;;
  esac
  if [[ -z $cmd ]]; then
    if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "@globals@" -- "$cur")); else COMPREPLY=($(compgen -W "@commands@" -- "$cur")); fi
    return
  fi
  if [[ $cur == -* ]]; then
    local flags=""
    case "$cmd" in
@flags@    esac
    COMPREPLY=($(compgen -W "$flags @globals@" -- "$cur"))
    return
  fi
  local kind=""
  case "$cmd" in
    explain) ((${#words[@]} == 0)) && COMPREPLY=($(compgen -W "@kinds@" -- "$cur")); return ;;
    get|describe|delete|edit|wait|label|annotate|patch)
      if ((${#words[@]} == 0)); then COMPREPLY=($(compgen -W "@kinds@" -- "$cur")); return; fi
      kind="${words[0]}" ;;
    logs|suspend|resume|restart) kind=executions ;;
    run) kind=applications ;;
    open) ((${#words[@]} == 0)) || return; kind=executions ;;
    passwd) kind=users ;;
    *)
      local verbs=""
      case "$cmd" in
@verbs@      esac
      if [[ -z $verbs ]]; then return; fi
      if ((${#words[@]} == 0)); then COMPREPLY=($(compgen -W "$verbs" -- "$cur")); return; fi
      case "$cmd ${words[0]}" in
        config*) COMPREPLY=($(compgen -W "$(zoe config get-contexts -o name 2>/dev/null)" -- "$cur")) ;;
        "token delete") COMPREPLY=($(compgen -W "$(zoe "${scope[@]}" token list -o name 2>/dev/null)" -- "$cur")) ;;
        "files put") if ((${#words[@]} == 1)); then COMPREPLY=($(compgen -f -- "$cur")); else _zoe_files; fi ;;
        "files get") if ((${#words[@]} == 1)); then _zoe_files; else COMPREPLY=($(compgen -f -- "$cur")); fi ;;
        files*) _zoe_files ;;
      esac
      return ;;
  esac
  COMPREPLY=($(compgen -W "$(zoe "${scope[@]}" get "$kind" -o name 2>/dev/null | sed 's|.*/||')" -- "$cur"))
}
complete -F _zoe zoe
)SH";

constexpr std::string_view kZsh = R"SH(#compdef zoe
# zsh completion for zoe: source <(zoe completion zsh)
autoload -Uz bashcompinit && bashcompinit
)SH";

std::string Fill(std::string_view text,
                 const std::vector<std::pair<std::string, std::string>>& values) {
  std::string result(text);
  for (const auto& [name, value] : values) {
    for (size_t at; (at = result.find(name)) != std::string::npos;)
      result.replace(at, name.size(), value);
  }
  return result;
}

std::string BashScript() {
  const Vocabulary vocabulary = MakeVocabulary();
  std::string flags, verbs;
  for (const Command& command : Commands()) {
    if (!command.verbs.empty())
      verbs += "        " + std::string(command.name) + ") verbs=\"" + std::string(command.verbs) +
               "\" ;;\n";
    if (!command.flags.empty())
      flags += "      " + std::string(command.name) + ") flags=\"" + FlagWords(command.flags) +
               "\" ;;\n";
  }
  return Fill(kBash, {{"@globals@", vocabulary.globals},
                      {"@commands@", vocabulary.commands},
                      {"@kinds@", vocabulary.kinds},
                      {"@verbs@", verbs},
                      {"@flags@", flags}});
}

// Fish escapes a single quote within single quotes by a backslash.
std::string FishQuote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string FishFlag(const std::string& condition, const Flag& flag) {
  std::string line = "complete -c zoe" + condition + " -l " + std::string(flag.name);
  if (flag.letter != 0) line += std::string(" -s ") + flag.letter;
  if (flag.kind == FlagKind::kValue || flag.kind == FlagKind::kList)
    line += flag.value == "FILE" ? " -r -F" : " -x";
  if (flag.name == "output") line += " -a 'wide json yaml name jsonpath='";
  return line + " -d " + FishQuote(flag.help) + "\n";
}

std::string FishScript() {
  const Vocabulary vocabulary = MakeVocabulary();
  const auto seen = [](const std::string& commands) {
    return " -n '__fish_seen_subcommand_from " + commands + "'";
  };
  std::string script =
      "# fish completion for zoe: zoe completion fish | source\n"
      "function __zoe_names\n  zoe get $argv -o name 2>/dev/null | string replace -r '.*/' "
      "''\nend\n"
      "function __zoe_kind\n  set -l words (commandline -opc)\n  for i in (seq 2 (count $words))\n"
      "    if contains -- $words[$i] get describe delete edit wait label annotate patch\n"
      "      set -l next (math $i + 1)\n      if test (count $words) -ge $next\n        echo "
      "$words[$next]\n      end\n"
      "      return\n    end\n  end\nend\n"
      "complete -c zoe -f\n";
  for (const Command& command : Commands()) {
    script += "complete -c zoe -n __fish_use_subcommand -a " + std::string(command.name) + " -d " +
              FishQuote(command.summary) + "\n";
    for (const Flag& flag : command.flags)
      script += FishFlag(seen(std::string(command.name)), flag);
  }
  for (const Flag& flag : GlobalFlags()) script += FishFlag("", flag);
  const std::string generic = "get describe delete edit wait label annotate patch";
  script += "complete -c zoe -n '__fish_seen_subcommand_from " + generic +
            "; and test -z (__zoe_kind)' -a '" + vocabulary.kinds + "'\n";
  script += "complete -c zoe -n '__fish_seen_subcommand_from " + generic +
            "; and test -n (__zoe_kind)' -a '(__zoe_names (__zoe_kind))'\n";
  script += "complete -c zoe" + seen("explain") + " -a '" + vocabulary.kinds + "'\n";
  script +=
      "complete -c zoe" + seen("logs suspend resume restart") + " -a '(__zoe_names executions)'\n";
  script += "complete -c zoe" + seen("run") + " -a '(__zoe_names applications)'\n";
  script += "complete -c zoe" + seen("open") + " -a '(__zoe_names executions)'\n";
  script += "complete -c zoe" + seen("passwd") + " -a '(__zoe_names users)'\n";
  script += "complete -c zoe" + seen("put") + " -F\n";
  for (const Command& command : Commands()) {
    if (command.verbs.empty()) continue;
    const std::string name(command.name), verbs(command.verbs);
    script += "complete -c zoe -n '__fish_seen_subcommand_from " + name +
              "; and not __fish_seen_subcommand_from " + verbs + "' -a '" + verbs + "'\n";
  }
  return script;
}

}  // namespace

int Completion(Session& session) {
  const std::string shell = session.words().size() == 1 ? session.words()[0] : "";
  if (shell == "bash") {
    session.out() << BashScript();
  } else if (shell == "zsh") {
    session.out() << kZsh << BashScript();
  } else if (shell == "fish") {
    session.out() << FishScript();
  } else {
    return session.Usage("completion takes one of bash, zsh, fish");
  }
  return kOk;
}

}  // namespace zoe::cli
