# Completion of kubectl-wukong for fish. For `kubectl wukong`: kubectl wukong completion install

function __kubectl_wukong_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l word (commandline -ct)[1]
    set -l lines (kubectl-wukong __complete $words "$word" 2>/dev/null)
    test (count $lines) -gt 0; or return
    set -l directive (string sub -s 2 -- $lines[-1])
    set -e lines[-1]

    # Of `--output=yaml` only the value is offered, and fish expects the whole word.
    set -l head ''
    if string match -qr -- '^-[^=]*=' "$word"
        set head (string replace -r -- '^(-[^=]*=).*$' '$1' "$word")
        set word (string replace -r -- '^-[^=]*=' '' "$word")
    end

    switch $directive
        case 0
            set lines (__fish_complete_path "$word")
        case 8
            set -l endings (string join '|' $lines)
            set lines (__fish_complete_path "$word" | string match -r -- "^.*(?:/|\.(?:$endings))(?:\t.*)?\$")
        case 16
            set lines (__fish_complete_directories "$word" '')
    end
    for line in $lines
        printf '%s%s\n' $head $line
    end
end

complete -c kubectl-wukong -f -k -a '(__kubectl_wukong_complete)'
