# Completion of kubectl-wukong for bash 3.2 or later. For `kubectl wukong`: kubectl wukong completion install

_kubectl_wukong() {
    local -a words=() found=() about=()
    local word line directive= head glued= i

    # bash takes `--output=yaml` for three words.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((${#words[@]})) && { [[ -n $glued ]] || [[ $word == [=:] ]]; }; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        if [[ $word == [=:] ]]; then glued=1; else glued=; fi
    done
    word=${words[${#words[@]} - 1]}
    if [[ $word == -*=* ]]; then word=${word#*=}; fi
    # It replaces only what follows the last of these.
    head=${word%"${word##*[=:]}"}

    while IFS= read -r line; do
        if [[ $line == :* ]]; then
            directive=${line#:}
        else
            found+=("${line%%$'\t'*}")
            if [[ $line == *$'\t'* ]]; then about+=("${line#*$'\t'}"); else about+=(""); fi
        fi
    done < <(kubectl-wukong __complete "${words[@]}" 2>/dev/null)

    COMPREPLY=()
    case $directive in
        0) while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$word") ;;
        16) while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$word") ;;
        8)
            while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
                compgen -d -- "$word"
                for i in "${found[@]}"; do compgen -f -X "!*.$i" -- "$word"; done
            )
            ;;
        *)
            for ((i = 0; i < ${#found[@]}; i++)); do
                # A list that is only shown has room for what each word does.
                if ((COMP_TYPE == 63 && ${#found[@]} > 1)) && [[ -n ${about[i]} ]]; then
                    line="${found[i]}  (${about[i]})"
                    COMPREPLY+=("${line:0:${COLUMNS:-80}}")
                else
                    COMPREPLY+=("${found[i]#"$head"}")
                fi
            done
            if [[ $directive == 6 ]]; then compopt -o nospace 2>/dev/null; fi
            return
            ;;
    esac
    compopt -o filenames 2>/dev/null
}

complete -F _kubectl_wukong kubectl-wukong
