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
            -b|--brokers|-P|--profile|--config|-X|--connect-timeout|--timeout|--client-id|--color|--progress|--completion|-o|--output|-p|--partitions|-r|--replicas|--set|--retention|--wait|--exclude|--max-moves|--max|--to|--topic|--unset|--append|-o|--offset|-F|--format|--output|--for|--within|--without) option=$word ;;
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
            'topic alter'*:-o|'topic alter'*:--output) candidates='table tsv json jsonl' ;;
            'topic delete'*:-o|'topic delete'*:--output) candidates='table tsv json jsonl' ;;
            'partition list'*:-o|'partition list'*:--output) candidates='table tsv json jsonl' ;;
            'partition elect'*:-o|'partition elect'*:--output) candidates='table tsv json jsonl' ;;
            'partition move'*:-o|'partition move'*:--output) candidates='table tsv json jsonl' ;;
            'partition rebalance'*:-o|'partition rebalance'*:--output) candidates='table tsv json jsonl' ;;
            'partition moves'*:-o|'partition moves'*:--output) candidates='table tsv json jsonl' ;;
            'partition cancel'*:-o|'partition cancel'*:--output) candidates='table tsv json jsonl' ;;
            'group list'*:-o|'group list'*:--output) candidates='table tsv json jsonl' ;;
            'group describe'*:-o|'group describe'*:--output) candidates='table tsv json jsonl' ;;
            'group lag'*:-o|'group lag'*:--output) candidates='table tsv json jsonl' ;;
            'group reset'*:-o|'group reset'*:--output) candidates='table tsv json jsonl' ;;
            'config get'*:-o|'config get'*:--output) candidates='table tsv json jsonl' ;;
            'config set'*:-o|'config set'*:--output) candidates='table tsv json jsonl' ;;
            'config diff'*:-o|'config diff'*:--output) candidates='table tsv json jsonl' ;;
            'segment list'*:-o|'segment list'*:--output) candidates='table tsv json jsonl' ;;
            'segment dump'*:--output) candidates='table tsv json jsonl' ;;
            'broker list'*:-o|'broker list'*:--output) candidates='table tsv json jsonl' ;;
            'broker remove'*:-o|'broker remove'*:--output) candidates='table tsv json jsonl' ;;
            'cluster info'*:-o|'cluster info'*:--output) candidates='table tsv json jsonl' ;;
            'cluster health'*:-o|'cluster health'*:--output) candidates='table tsv json jsonl' ;;
            'cluster drain'*:-o|'cluster drain'*:--output) candidates='table tsv json jsonl' ;;
            'cluster accept-store'*:-o|'cluster accept-store'*:--output) candidates='table tsv json jsonl' ;;
            'why partition'*:-o|'why partition'*:--output) candidates='table tsv json jsonl' ;;
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
            'topic alter'*) candidates="$candidates -p --partitions -r --replicas --wait -n --dry-run -y --yes -o --output --no-header" ;;
            'topic delete'*) candidates="$candidates --if-exists -n --dry-run -y --yes -o --output --no-header" ;;
            'topic verify'*) candidates="$candidates --replicas" ;;
            'partition list'*) candidates="$candidates --urp --offline --under-min-isr --not-preferred -o --output --no-header" ;;
            'partition elect'*) candidates="$candidates --unclean -n --dry-run -y --yes -o --output --no-header" ;;
            'partition move'*) candidates="$candidates --wait -n --dry-run -y --yes -o --output --no-header" ;;
            'partition rebalance'*) candidates="$candidates --exclude --max-moves --wait -n --dry-run -y --yes -o --output --no-header" ;;
            'partition moves'*) candidates="$candidates -o --output --no-header" ;;
            'partition cancel'*) candidates="$candidates -n --dry-run -y --yes -o --output --no-header" ;;
            'group list'*) candidates="$candidates -o --output --no-header" ;;
            'group describe'*) candidates="$candidates -o --output --no-header" ;;
            'group lag'*) candidates="$candidates --max -o --output --no-header" ;;
            'group reset'*) candidates="$candidates --to --topic -n --dry-run -y --yes -o --output --no-header" ;;
            'config get'*) candidates="$candidates --changed -o --output --no-header" ;;
            'config set'*) candidates="$candidates --unset --append -n --dry-run -y --yes -o --output --no-header" ;;
            'config diff'*) candidates="$candidates -o --output --no-header" ;;
            'segment list'*) candidates="$candidates -o --output --no-header" ;;
            'segment dump'*) candidates="$candidates -o --offset --batches --records -J --json -F --format --output --no-header" ;;
            'segment verify'*) candidates="$candidates --all-errors" ;;
            'broker list'*) candidates="$candidates -o --output --no-header" ;;
            'broker remove'*) candidates="$candidates -n --dry-run -y --yes -o --output --no-header" ;;
            'cluster info'*) candidates="$candidates -o --output --no-header" ;;
            'cluster health'*) candidates="$candidates -o --output --no-header" ;;
            'cluster wait'*) candidates="$candidates --for --within" ;;
            'cluster drain'*) candidates="$candidates --within --undo -n --dry-run -y --yes -o --output --no-header" ;;
            'cluster accept-store'*) candidates="$candidates --without -n --dry-run -y --yes -o --output --no-header" ;;
            'why partition'*) candidates="$candidates -o --output --no-header" ;;
        esac
        local excluded=""
        for word in "${words[@]:1}"; do
            case "$command:${word%%=*}" in
                'topic describe'*:--partitions) excluded+=' --configs' ;;
                'topic describe'*:--configs) excluded+=' --partitions' ;;
                'topic alter'*:-p|'topic alter'*:--partitions) excluded+=' -r --replicas --wait' ;;
                'topic alter'*:-r|'topic alter'*:--replicas) excluded+=' -p --partitions' ;;
                'topic alter'*:--wait) excluded+=' -p --partitions' ;;
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
            '') candidates='topic partition group config segment broker cluster why' ;;
            'topic') candidates='list create describe alter delete verify' ;;
            'partition') candidates='list elect move rebalance moves cancel' ;;
            'group') candidates='list describe lag reset' ;;
            'config') candidates='get set diff' ;;
            'segment') candidates='list dump verify' ;;
            'broker') candidates='list remove' ;;
            'cluster') candidates='info health wait drain accept-store' ;;
            'why') candidates='partition' ;;
            'segment list'*) files=yes ;;
            'segment dump'*) files=yes ;;
            'segment verify'*) files=yes ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$candidates" -- "$cur"))
    [ -z "$files" ] || compopt -o default
}
complete -F _mqctl mqctl
