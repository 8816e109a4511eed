# bash completion for mqcons
_mqcons()
{
    # The words between blanks: COMP_WORDS is split at = and : too.
    local words word command="" option="" candidates="" files=""
    read -ra words <<<"${COMP_LINE:0:COMP_POINT}."
    local cur=${words[-1]%.}
    unset 'words[-1]'
    for word in "${words[@]:1}"; do
        if [ -n "$option" ]; then option=""; continue; fi
        case "$word" in
            -p|--partitions|-o|--offset|--since|--until|-n|--tail|-c|--count|-F|--format|-K|--key-delimiter|-d|--delimiter|--null-as|-g|--group|--instance|--reset|--rack|-b|--brokers|-P|--profile|--config|-X|--connect-timeout|--timeout|--client-id|--color|--progress|--completion) option=$word ;;
            -*) ;;
            *) command="${command:+$command }$word" ;;
        esac
    done
    case "$cur" in --*=*) option=${cur%%=*} cur=${cur#*=} ;; esac
    if [ -n "$option" ]; then
        case "$command:$option" in
            *:--reset) candidates='start end error' ;;
            *:--config) files=yes ;;
            *:--color) candidates='auto always never' ;;
            *:--progress) candidates='auto plain never' ;;
            *:--help-man) candidates='mq.conf mq-exit' ;;
            *:--completion) candidates='bash zsh fish' ;;
        esac
    elif [[ $cur == -* ]]; then
        candidates='-p --partitions -o --offset --since --until -n --tail -f --follow -c --count -F --format -K --key-delimiter -d --delimiter -0 --null -J --json --null-as --raw -g --group --instance --reset --rack -b --brokers -P --profile --config -X --connect-timeout --timeout --client-id --color --progress -q --quiet -v --verbose -h --help --help-json --help-man --completion -V --version'
        local excluded=""
        for word in "${words[@]:1}"; do
            case "$command:${word%%=*}" in
                *:-p|*:--partitions) excluded+=' -g --group' ;;
                *:-o|*:--offset) excluded+=' --since --until -n --tail -g --group' ;;
                *:--since) excluded+=' -o --offset -n --tail -g --group' ;;
                *:--until) excluded+=' -o --offset -n --tail -g --group' ;;
                *:-n|*:--tail) excluded+=' -o --offset --since --until -g --group' ;;
                *:-F|*:--format) excluded+=' -J --json -K --key-delimiter' ;;
                *:-K|*:--key-delimiter) excluded+=' -F --format' ;;
                *:-J|*:--json) excluded+=' -F --format' ;;
                *:-g|*:--group) excluded+=' -p --partitions -o --offset --since --until -n --tail' ;;
            esac
        done
        for word in $excluded; do
            candidates=" $candidates "
            candidates=${candidates// $word / }
        done
    else
        :
    fi
    COMPREPLY=($(compgen -W "$candidates" -- "$cur"))
    [ -z "$files" ] || compopt -o default
}
complete -F _mqcons mqcons
