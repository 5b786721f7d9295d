#compdef stackbuild
# zsh completion for stackbuild: source <(stackbuild completions zsh), after compinit
_stackbuild() {
    local line value about
    local -a whole whole_shown begun
    while IFS= read -r line; do
        value=${${line[2,-1]}%%$'\t'*}
        about=${line#*$'\t'}
        if [[ $line[1] == "=" ]]; then
            whole+=("$value")
            whole_shown+=("$value${about:+  -- $about}")
        else
            begun+=("$value")
        fi
    done < <("${(Q)words[1]/#\~/$HOME}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    (( $#whole )) && compadd -l -d whole_shown -a whole
    (( $#begun )) && compadd -S '' -a begun
}
if [[ $funcstack[1] == _stackbuild ]]; then _stackbuild "$@"; else compdef _stackbuild stackbuild; fi
