# bash completion for stackbuild: eval "$(stackbuild completions bash)"
_stackbuild() {
    local word=${COMP_WORDS[COMP_CWORD]} typed=${COMP_LINE:0:COMP_POINT} line value item
    local escaped='\ '
    typed=${typed//"$escaped"/_}
    typed=${typed##*[[:space:]]}
    COMPREPLY=()
    while IFS= read -r line; do
        value=${line:1}
        value=${value%%$'\t'*}
        # bash takes ":" and "=" for ends of words, so it replaces only what follows the last of them.
        if [[ $word != [\"\']* ]]; then
            if [[ $typed == *:* && $COMP_WORDBREAKS == *:* ]]; then
                value=${value##*:}
            elif [[ $typed == *=* && $COMP_WORDBREAKS == *=* ]]; then
                value=${value#*=}
            fi
        fi
        if [[ $word == [\"\']* ]]; then
            [[ $value == *[\"\'\`\$\\!]* ]] && continue # it would end the quotes, or be run
            COMPREPLY+=("$value")
        else
            printf -v item %q "$value"
            [[ $line == =* ]] && item+=" "
            COMPREPLY+=("$item")
        fi
    done < <("${COMP_WORDS[0]/#\~/$HOME}" __complete --line "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
}
complete -o nospace -F _stackbuild stackbuild
