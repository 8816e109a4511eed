# fish completion for mqctl
complete -c mqctl -f
complete -c mqctl -n 'not __fish_seen_subcommand_from topic partition group config segment broker cluster why' -a topic
complete -c mqctl -n 'not __fish_seen_subcommand_from topic partition group config segment broker cluster why' -a partition
complete -c mqctl -n 'not __fish_seen_subcommand_from topic partition group config segment broker cluster why' -a group
complete -c mqctl -n 'not __fish_seen_subcommand_from topic partition group config segment broker cluster why' -a config
complete -c mqctl -n 'not __fish_seen_subcommand_from topic partition group config segment broker cluster why' -a segment
complete -c mqctl -n 'not __fish_seen_subcommand_from topic partition group config segment broker cluster why' -a broker
complete -c mqctl -n 'not __fish_seen_subcommand_from topic partition group config segment broker cluster why' -a cluster
complete -c mqctl -n 'not __fish_seen_subcommand_from topic partition group config segment broker cluster why' -a why
complete -c mqctl -n '__fish_seen_subcommand_from topic; and not __fish_seen_subcommand_from list create describe alter delete verify' -a list
complete -c mqctl -n '__fish_seen_subcommand_from topic; and not __fish_seen_subcommand_from list create describe alter delete verify' -a create
complete -c mqctl -n '__fish_seen_subcommand_from topic; and not __fish_seen_subcommand_from list create describe alter delete verify' -a describe
complete -c mqctl -n '__fish_seen_subcommand_from topic; and not __fish_seen_subcommand_from list create describe alter delete verify' -a alter
complete -c mqctl -n '__fish_seen_subcommand_from topic; and not __fish_seen_subcommand_from list create describe alter delete verify' -a delete
complete -c mqctl -n '__fish_seen_subcommand_from topic; and not __fish_seen_subcommand_from list create describe alter delete verify' -a verify
complete -c mqctl -n '__fish_seen_subcommand_from partition; and not __fish_seen_subcommand_from list elect move rebalance moves cancel' -a list
complete -c mqctl -n '__fish_seen_subcommand_from partition; and not __fish_seen_subcommand_from list elect move rebalance moves cancel' -a elect
complete -c mqctl -n '__fish_seen_subcommand_from partition; and not __fish_seen_subcommand_from list elect move rebalance moves cancel' -a move
complete -c mqctl -n '__fish_seen_subcommand_from partition; and not __fish_seen_subcommand_from list elect move rebalance moves cancel' -a rebalance
complete -c mqctl -n '__fish_seen_subcommand_from partition; and not __fish_seen_subcommand_from list elect move rebalance moves cancel' -a moves
complete -c mqctl -n '__fish_seen_subcommand_from partition; and not __fish_seen_subcommand_from list elect move rebalance moves cancel' -a cancel
complete -c mqctl -n '__fish_seen_subcommand_from group; and not __fish_seen_subcommand_from list describe lag reset' -a list
complete -c mqctl -n '__fish_seen_subcommand_from group; and not __fish_seen_subcommand_from list describe lag reset' -a describe
complete -c mqctl -n '__fish_seen_subcommand_from group; and not __fish_seen_subcommand_from list describe lag reset' -a lag
complete -c mqctl -n '__fish_seen_subcommand_from group; and not __fish_seen_subcommand_from list describe lag reset' -a reset
complete -c mqctl -n '__fish_seen_subcommand_from config; and not __fish_seen_subcommand_from get set diff' -a get
complete -c mqctl -n '__fish_seen_subcommand_from config; and not __fish_seen_subcommand_from get set diff' -a set
complete -c mqctl -n '__fish_seen_subcommand_from config; and not __fish_seen_subcommand_from get set diff' -a diff
complete -c mqctl -n '__fish_seen_subcommand_from segment; and not __fish_seen_subcommand_from list dump verify' -a list
complete -c mqctl -n '__fish_seen_subcommand_from segment; and not __fish_seen_subcommand_from list dump verify' -a dump
complete -c mqctl -n '__fish_seen_subcommand_from segment; and not __fish_seen_subcommand_from list dump verify' -a verify
complete -c mqctl -n '__fish_seen_subcommand_from broker; and not __fish_seen_subcommand_from list remove' -a list
complete -c mqctl -n '__fish_seen_subcommand_from broker; and not __fish_seen_subcommand_from list remove' -a remove
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and not __fish_seen_subcommand_from info health wait drain accept-store' -a info
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and not __fish_seen_subcommand_from info health wait drain accept-store' -a health
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and not __fish_seen_subcommand_from info health wait drain accept-store' -a wait
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and not __fish_seen_subcommand_from info health wait drain accept-store' -a drain
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and not __fish_seen_subcommand_from info health wait drain accept-store' -a accept-store
complete -c mqctl -n '__fish_seen_subcommand_from why; and not __fish_seen_subcommand_from partition' -a partition
complete -c mqctl -s b -l brokers -x -d 'where to ask first; IPv6 stands in brackets, unix:PATH is a socket'
complete -c mqctl -s P -l profile -x -d 'section [profile NAME] of the configuration file'
complete -c mqctl -l config -r -F -d 'configuration file'
complete -c mqctl -s X -x -d 'a setting by name; -X help lists them'
complete -c mqctl -l connect-timeout -x -d 'wait so long for the first contact, then exit 3'
complete -c mqctl -l timeout -x -d 'wait so long for one answer'
complete -c mqctl -l client-id -x -d 'shows up in the broker\'s logs and quotas'
complete -c mqctl -l color -x -a 'auto always never' -d 'a bold line above tables: auto is on for a terminal unless NO_COLOR is set'
complete -c mqctl -l progress -x -a 'auto plain never' -d 'progress on stderr: auto is one line on a terminal, plain a line each 10 s'
complete -c mqctl -s q -l quiet -d 'no notices and no progress; errors only'
complete -c mqctl -s v -l verbose -d 'say more on stderr: -v what was done in the end, -vv connections too'
complete -c mqctl -s h -d 'the options, one line each'
complete -c mqctl -l help -d 'examples and all options'
complete -c mqctl -l help-json -d 'the same for programs'
complete -c mqctl -l help-man -a 'mq.conf mq-exit' -d 'a page of the manual, for man -l -'
complete -c mqctl -l completion -x -a 'bash zsh fish' -d 'the completion script of a shell, to be sourced'
complete -c mqctl -s V -l version -d 'the version'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from list' -l internal -d 'the brokers\' own topics too, as __consumer_offsets'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from list' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from list' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from create' -s p -l partitions -x -d 'partitions of each topic'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from create' -s r -l replicas -x -d 'copies of each partition'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from create' -l set -x -d 'a setting of the topic by its Kafka name'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from create' -l compact -d 'keep the last record of each key; cleanup.policy=compact'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from create' -l retention -x -d 'keep records so long, or so many bytes of each partition'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from create' -l if-not-exists -d 'a topic that is there is no error, whatever its settings'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from create' -s n -l dry-run -d 'say what would change, and change nothing'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from create' -s y -l yes -d 'do it where consent is needed'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from create' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from create' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from describe; and not __fish_contains_opt configs' -l partitions -d 'a row for each partition, as partition list'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from describe; and not __fish_contains_opt partitions' -l configs -d 'a row for each setting, as config get'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from describe' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from describe' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from alter; and not __fish_contains_opt -s r replicas wait' -s p -l partitions -x -d 'so many from now on; keys then go to other partitions, and there is no way back'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from alter; and not __fish_contains_opt -s p partitions' -s r -l replicas -x -d 'copies of each partition, on other racks first, on brokers that have the fewest'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from alter; and not __fish_contains_opt -s p partitions' -l wait -x -d 'wait so long until they have moved; then it exits 3'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from alter' -s n -l dry-run -d 'say what would change, and change nothing'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from alter' -s y -l yes -d 'do it where consent is needed'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from alter' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from alter' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from delete' -l if-exists -d 'a topic that is not there is no error'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from delete' -s n -l dry-run -d 'say what would change, and change nothing'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from delete' -s y -l yes -d 'do it where consent is needed'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from delete' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from delete' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from topic; and __fish_seen_subcommand_from verify' -l replicas -d 'read every replica, and compare each with the leader\'s, byte by byte; of a compacted topic record by record, where both have it'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from list' -l urp -d 'only under-replicated ones: fewer replicas in sync than there are'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from list' -l offline -d 'only those that nobody leads'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from list' -l under-min-isr -d 'only those with fewer in sync than min.insync.replicas: acks=all is refused there'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from list' -l not-preferred -d 'only those that another broker leads than the first of their replicas; of several such options one is enough'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from list' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from list' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from elect' -l unclean -d 'where nobody leads: any replica that is there, whatever records it lacks; wants --yes'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from elect' -s n -l dry-run -d 'say what would change, and change nothing'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from elect' -s y -l yes -d 'do it where consent is needed'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from elect' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from elect' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from move' -l wait -x -d 'wait so long until they have moved; then it exits 3'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from move' -s n -l dry-run -d 'say what would change, and change nothing'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from move' -s y -l yes -d 'do it where consent is needed'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from move' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from move' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from rebalance' -l exclude -x -d 'this broker is to have none of them'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from rebalance' -l max-moves -x -d 'partitions at most at a time'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from rebalance' -l wait -x -d 'wait so long until they have moved; then it exits 3'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from rebalance' -s n -l dry-run -d 'say what would change, and change nothing'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from rebalance' -s y -l yes -d 'do it where consent is needed'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from rebalance' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from rebalance' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from moves' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from moves' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from cancel' -s n -l dry-run -d 'say what would change, and change nothing'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from cancel' -s y -l yes -d 'do it where consent is needed'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from cancel' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from partition; and __fish_seen_subcommand_from cancel' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from group; and __fish_seen_subcommand_from list' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from group; and __fish_seen_subcommand_from list' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from group; and __fish_seen_subcommand_from describe' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from group; and __fish_seen_subcommand_from describe' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from group; and __fish_seen_subcommand_from lag' -l max -x -d 'exit 1 when a partition is more records, or longer, behind'
complete -c mqctl -n '__fish_seen_subcommand_from group; and __fish_seen_subcommand_from lag' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from group; and __fish_seen_subcommand_from lag' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from group; and __fish_seen_subcommand_from reset' -l to -x -d 'start, end, an offset, start+N, end-N or @TIME; what is outside the log becomes its start or end; required'
complete -c mqctl -n '__fish_seen_subcommand_from group; and __fish_seen_subcommand_from reset' -l topic -x -d 'only this topic, or these partitions of it: web:0,3-5'
complete -c mqctl -n '__fish_seen_subcommand_from group; and __fish_seen_subcommand_from reset' -s n -l dry-run -d 'say what would change, and change nothing'
complete -c mqctl -n '__fish_seen_subcommand_from group; and __fish_seen_subcommand_from reset' -s y -l yes -d 'do it where consent is needed'
complete -c mqctl -n '__fish_seen_subcommand_from group; and __fish_seen_subcommand_from reset' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from group; and __fish_seen_subcommand_from reset' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from get' -l changed -d 'only what is not a default'
complete -c mqctl -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from get' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from get' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from set' -l unset -x -d 'back to what it is without this resource\'s own value; instead of KEY=VALUE, or beside it'
complete -c mqctl -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from set' -l append -x -d 'add VALUE to a list; instead of KEY=VALUE, or beside it'
complete -c mqctl -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from set' -s n -l dry-run -d 'say what would change, and change nothing'
complete -c mqctl -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from set' -s y -l yes -d 'do it where consent is needed'
complete -c mqctl -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from set' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from set' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from diff' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from config; and __fish_seen_subcommand_from diff' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from segment; and __fish_seen_subcommand_from list' -F
complete -c mqctl -n '__fish_seen_subcommand_from segment; and __fish_seen_subcommand_from list' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from segment; and __fish_seen_subcommand_from list' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from segment; and __fish_seen_subcommand_from dump' -F
complete -c mqctl -n '__fish_seen_subcommand_from segment; and __fish_seen_subcommand_from dump' -s o -l offset -x -d 'only these, of each file: 100..200, end-10.., ..@2025-01-31'
complete -c mqctl -n '__fish_seen_subcommand_from segment; and __fish_seen_subcommand_from dump; and not __fish_contains_opt records -s J json -s F format' -l batches -d 'a row for each batch; this is the default'
complete -c mqctl -n '__fish_seen_subcommand_from segment; and __fish_seen_subcommand_from dump; and not __fish_contains_opt batches -s J json -s F format' -l records -d 'a row for each record'
complete -c mqctl -n '__fish_seen_subcommand_from segment; and __fish_seen_subcommand_from dump; and not __fish_contains_opt batches records -s F format' -s J -l json -d 'a JSON object for each record, nothing lost: mq-record(5)'
complete -c mqctl -n '__fish_seen_subcommand_from segment; and __fish_seen_subcommand_from dump; and not __fish_contains_opt batches records -s J json' -s F -l format -x -d 'write records like this: %k %s %o %T %h ...; the newline is yours: \'%o %s\\n\''
complete -c mqctl -n '__fish_seen_subcommand_from segment; and __fish_seen_subcommand_from dump' -l output -x -a 'table tsv json jsonl' -d 'of --batches and --records; tsv and json have plain bytes and milliseconds'
complete -c mqctl -n '__fish_seen_subcommand_from segment; and __fish_seen_subcommand_from dump' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from segment; and __fish_seen_subcommand_from verify' -F
complete -c mqctl -n '__fish_seen_subcommand_from segment; and __fish_seen_subcommand_from verify' -l all-errors -d 'do not stop after 1000 findings in one place'
complete -c mqctl -n '__fish_seen_subcommand_from broker; and __fish_seen_subcommand_from list' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from broker; and __fish_seen_subcommand_from list' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from broker; and __fish_seen_subcommand_from remove' -s n -l dry-run -d 'say what would change, and change nothing'
complete -c mqctl -n '__fish_seen_subcommand_from broker; and __fish_seen_subcommand_from remove' -s y -l yes -d 'do it where consent is needed'
complete -c mqctl -n '__fish_seen_subcommand_from broker; and __fish_seen_subcommand_from remove' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from broker; and __fish_seen_subcommand_from remove' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from info' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from info' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from health' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from health' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from wait' -l for -x -d 'healthy, as cluster health has it; no-urp: everything led and in sync; brokers=N: so many are there'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from wait' -l within -x -d 'how long; then it exits 3 and says what is missing'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from drain' -l within -x -d 'how long to wait until others lead; then it exits 3 and says what stays'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from drain' -l undo -d 'they may lead again; so they may after a restart without it'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from drain' -s n -l dry-run -d 'say what would change, and change nothing'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from drain' -s y -l yes -d 'do it where consent is needed'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from drain' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from drain' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from accept-store' -l without -x -d 'go on though this broker cannot say what it has'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from accept-store' -s n -l dry-run -d 'say what would change, and change nothing'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from accept-store' -s y -l yes -d 'do it where consent is needed'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from accept-store' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from cluster; and __fish_seen_subcommand_from accept-store' -l no-header -d 'leave the line with the names of the columns out'
complete -c mqctl -n '__fish_seen_subcommand_from why; and __fish_seen_subcommand_from partition' -s o -l output -x -a 'table tsv json jsonl' -d 'tsv and json have plain bytes and milliseconds, tables units'
complete -c mqctl -n '__fish_seen_subcommand_from why; and __fish_seen_subcommand_from partition' -l no-header -d 'leave the line with the names of the columns out'
