/** Words that may follow, by the path of commands before the cursor. */
export type Vocabulary = Readonly<Record<string, readonly string[]>>;

export const shells = ["bash", "zsh", "fish", "powershell"] as const;
export type Shell = (typeof shells)[number];

const cases = (vocabulary: Vocabulary, line: (path: string, words: string) => string): string =>
  Object.entries(vocabulary)
    .map(([path, words]) => line(path, words.join(" ")))
    .join("\n");

// Every script walks the words before the cursor and keeps those that are a known path of commands.

const bash = (vocabulary: Vocabulary): string => `# bash completion for duragent
_duragent_words() {
  case "$1" in
${cases(vocabulary, (path, words) => `    "${path}") echo "${words}" ;;`)}
  esac
}
_duragent() {
  local path="" next word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${path:+$path }$word"
    [ -n "$(_duragent_words "$next")" ] && path="$next"
  done
  COMPREPLY=($(compgen -W "$(_duragent_words "$path")" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _duragent duragent
`;

const zsh = (vocabulary: Vocabulary): string => `#compdef duragent
_duragent_words() {
  case "$1" in
${cases(vocabulary, (path, words) => `    "${path}") echo "${words}" ;;`)}
  esac
}
_duragent() {
  local path_="" next word
  for word in "\${words[@]:1:$((CURRENT-2))}"; do
    next="\${path_:+$path_ }$word"
    [[ -n "$(_duragent_words "$next")" ]] && path_="$next"
  done
  compadd -- \${=$(_duragent_words "$path_")} || _files
}
if [ "$funcstack[1]" = "_duragent" ]; then _duragent "$@"; else compdef _duragent duragent; fi
`;

const fish = (vocabulary: Vocabulary): string => `# fish completion for duragent
function __duragent_words
  set -l path ""
  for word in (commandline -opc)[2..-1]
    set -l next (string trim "$path $word")
    switch "$next"
${Object.keys(vocabulary)
  .filter((path) => path !== "")
  .map((path) => `      case "${path}"\n        set path "$next"`)
  .join("\n")}
    end
  end
  switch "$path"
${cases(vocabulary, (path, words) => `    case "${path}"\n      string split " " "${words}"`)}
  end
end
complete -c duragent -a "(__duragent_words)"
`;

const powershell = (vocabulary: Vocabulary): string => `# PowerShell completion for duragent
Register-ArgumentCompleter -Native -CommandName duragent -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @{
${cases(vocabulary, (path, words) => `    '${path}' = '${words}'`)}
  }
  $path = ''
  foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
    $next = ("$path " + $element.ToString()).Trim()
    if ($words.ContainsKey($next)) { $path = $next }
  }
  $words[$path].Split(' ') | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`;

/** The whole script for each shell. */
export const completionScripts: Readonly<Record<Shell, (vocabulary: Vocabulary) => string>> = {
  bash,
  zsh,
  fish,
  powershell,
};
