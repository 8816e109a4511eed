# bash completion for mqctl
_mqctl()
{
    # The words between blanks: COMP_WORDS is split at = and : too.
    local words word command="" option="" candidates="" files=""
    read -ra words <<<"${COMP_LINE:0:COMP_POINT}."
    local cur=${words[-1]%.}
    unset 'words[-1]'
    for word in "${words[@]:1}"; do
        if [ -n "$option" ]; then option=""; continue; fi
        case "$word" in
            -b|--brokers|-P|--profile|--config|-X|--connect-timeout|--timeout|--client-id|--color|--progress|--completion|-o|--output|-p|--partitions|-r|--replicas|--set|--retention|--max|--to|--topic|--unset|--append|-o|--offset|-F|--format|--output) option=$word ;;
            -*) ;;
            *) command="${command:+$command }$word" ;;
        esac
    done
    case "$cur" in --*=*) option=${cur%%=*} cur=${cur#*=} ;; esac
    if [ -n "$option" ]; then
        case "$command:$option" in
            'topic list'*:-o|'topic list'*:--output) candidates='table tsv json jsonl' ;;
            'topic create'*:-o|'topic create'*:--output) candidates='table tsv json jsonl' ;;
            'topic describe'*:-o|'topic describe'*:--output) candidates='table tsv json jsonl' ;;
            'topic delete'*:-o|'topic delete'*:--output) candidates='table tsv json jsonl' ;;
            'partition list'*:-o|'partition list'*:--output) candidates='table tsv json jsonl' ;;
            'group list'*:-o|'group list'*:--output) candidates='table tsv json jsonl' ;;
            'group describe'*:-o|'group describe'*:--output) candidates='table tsv json jsonl' ;;
            'group lag'*:-o|'group lag'*:--output) candidates='table tsv json jsonl' ;;
            'group reset'*:-o|'group reset'*:--output) candidates='table tsv json jsonl' ;;
            'config get'*:-o|'config get'*:--output) candidates='table tsv json jsonl' ;;
            'config set'*:-o|'config set'*:--output) candidates='table tsv json jsonl' ;;
            'segment list'*:-o|'segment list'*:--output) candidates='table tsv json jsonl' ;;
            'segment dump'*:--output) candidates='table tsv json jsonl' ;;
            'cluster info'*:-o|'cluster info'*:--output) candidates='table tsv json jsonl' ;;
            *:--config) files=yes ;;
            *:--color) candidates='auto always never' ;;
            *:--progress) candidates='auto plain never' ;;
            *:--help-man) candidates='mq.conf mq-exit' ;;
            *:--completion) candidates='bash zsh fish' ;;
        esac
    elif [[ $cur == -* ]]; then
        candidates='-b --brokers -P --profile --config -X --connect-timeout --timeout --client-id --color --progress -q --quiet -v --verbose -h --help --help-json --help-man --completion -V --version'
        case "$command" in
            'topic list'*) candidates="$candidates --internal -o --output --no-header" ;;
            'topic create'*) candidates="$candidates -p --partitions -r --replicas --set --compact --retention --if-not-exists -n --dry-run -y --yes -o --output --no-header" ;;
            'topic describe'*) candidates="$candidates --partitions --configs -o --output --no-header" ;;
            'topic delete'*) candidates="$candidates --if-exists -n --dry-run -y --yes -o --output --no-header" ;;
            'partition list'*) candidates="$candidates --urp -o --output --no-header" ;;
            'group list'*) candidates="$candidates -o --output --no-header" ;;
            'group describe'*) candidates="$candidates -o --output --no-header" ;;
            'group lag'*) candidates="$candidates --max -o --output --no-header" ;;
            'group reset'*) candidates="$candidates --to --topic -n --dry-run -y --yes -o --output --no-header" ;;
            'config get'*) candidates="$candidates --changed -o --output --no-header" ;;
            'config set'*) candidates="$candidates --unset --append -n --dry-run -y --yes -o --output --no-header" ;;
            'segment list'*) candidates="$candidates -o --output --no-header" ;;
            'segment dump'*) candidates="$candidates -o --offset --batches --records -J --json -F --format --output --no-header" ;;
            'segment verify'*) candidates="$candidates --all-errors" ;;
            'cluster info'*) candidates="$candidates -o --output --no-header" ;;
        esac
        local excluded=""
        for word in "${words[@]:1}"; do
            case "$command:${word%%=*}" in
                'topic describe'*:--partitions) excluded+=' --configs' ;;
                'topic describe'*:--configs) excluded+=' --partitions' ;;
                'segment dump'*:--batches) excluded+=' --records -J --json -F --format' ;;
                'segment dump'*:--records) excluded+=' --batches -J --json -F --format' ;;
                'segment dump'*:-J|'segment dump'*:--json) excluded+=' --batches --records -F --format' ;;
                'segment dump'*:-F|'segment dump'*:--format) excluded+=' --batches --records -J --json' ;;
            esac
        done
        for word in $excluded; do
            candidates=" $candidates "
            candidates=${candidates// $word / }
        done
    else
        case "$command" in
            '') candidates='topic partition group config segment cluster' ;;
            'topic') candidates='list create describe delete' ;;
            'partition') candidates='list' ;;
            'group') candidates='list describe lag reset' ;;
            'config') candidates='get set' ;;
            'segment') candidates='list dump verify' ;;
            'cluster') candidates='info' ;;
            'segment list'*) files=yes ;;
            'segment dump'*) files=yes ;;
            'segment verify'*) files=yes ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$candidates" -- "$cur"))
    [ -z "$files" ] || compopt -o default
}
complete -F _mqctl mqctl
