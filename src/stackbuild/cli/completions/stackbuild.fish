# fish completion for stackbuild: stackbuild completions fish | source
function __stackbuild_complete
    set -l words (commandline -opc)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -l word (commandline -ct | string unescape)
    $program __complete $words[2..-1] "$word" 2>/dev/null | string sub -s 2
end
complete -c stackbuild -f -a '(__stackbuild_complete)'
