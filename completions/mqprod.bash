# bash completion for mqprod
_mqprod()
{
    # The words between blanks: COMP_WORDS is split at = and : too.
    local words word command="" option="" candidates="" files=""
    read -ra words <<<"${COMP_LINE:0:COMP_POINT}."
    local cur=${words[-1]%.}
    unset 'words[-1]'
    for word in "${words[@]:1}"; do
        if [ -n "$option" ]; then option=""; continue; fi
        case "$word" in
            -d|--delimiter|-K|--key-delimiter|-k|--key|--max-record|-p|--partition|-a|--acks|-z|--compress|--linger|--batch|--inflight|-r|--rate|--retry|--drain|-b|--brokers|-P|--profile|--config|-X|--connect-timeout|--timeout|--client-id|--color|--progress|--completion) option=$word ;;
            -*) ;;
            *) command="${command:+$command }$word" ;;
        esac
    done
    case "$cur" in --*=*) option=${cur%%=*} cur=${cur#*=} ;; esac
    if [ -n "$option" ]; then
        case "$command:$option" in
            *:-a|*:--acks) candidates='all 1 0' ;;
            *:--config) files=yes ;;
            *:--color) candidates='auto always never' ;;
            *:--progress) candidates='auto plain never' ;;
            *:--help-man) candidates='mq.conf mq-exit' ;;
            *:--completion) candidates='bash zsh fish' ;;
        esac
    elif [[ $cur == -* ]]; then
        candidates='-d --delimiter -0 --null -K --key-delimiter -k --key --max-record -p --partition -a --acks --no-idempotent -z --compress --linger --batch --inflight -r --rate --retry --drain -T --tee -b --brokers -P --profile --config -X --connect-timeout --timeout --client-id --color --progress -q --quiet -v --verbose -h --help --help-json --help-man --completion -V --version'
        local excluded=""
        for word in "${words[@]:1}"; do
            case "$command:${word%%=*}" in
                *:-K|*:--key-delimiter) excluded+=' -k --key' ;;
                *:-k|*:--key) excluded+=' -K --key-delimiter' ;;
            esac
        done
        for word in $excluded; do
            candidates=" $candidates "
            candidates=${candidates// $word / }
        done
    else
        files=yes
    fi
    COMPREPLY=($(compgen -W "$candidates" -- "$cur"))
    [ -z "$files" ] || compopt -o default
}
complete -F _mqprod mqprod
