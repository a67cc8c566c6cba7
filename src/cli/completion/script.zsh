#compdef kubectl-wukong
# Completion of kubectl-wukong for zsh. For `kubectl wukong`: kubectl wukong completion install

_kubectl-wukong() {
    local -a lines found space
    local line word directive

    lines=("${(@f)$(kubectl-wukong __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    directive=${lines[-1]#:}
    lines[-1]=()
    # Of `--output=yaml` only the value is offered.
    [[ $PREFIX == -*=* ]] && compset -P 1 '*='

    case $directive in
        0) _files ;;
        8) _files -g "*.(${(j:|:)lines})" ;;
        16) _files -/ ;;
        *)
            for line in $lines; do
                word=${${line%%$'\t'*}//:/\\:}
                if [[ $line == *$'\t'* ]]; then
                    found+=("$word:${line#*$'\t'}")
                else
                    found+=("$word")
                fi
            done
            [[ $directive == 6 ]] && space=(-S '')
            _describe -V 'kubectl wukong' found "${space[@]}"
            ;;
    esac
}

# Read by `source` it is made known; from a folder of $fpath it is run.
if [[ $funcstack[1] == _kubectl-wukong ]]; then
    _kubectl-wukong "$@"
else
    compdef _kubectl-wukong kubectl-wukong
fi
