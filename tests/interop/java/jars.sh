# Sourced after on_broker.sh: Kafka's jars from Maven, in a folder that the Java tests share; $jars is where, `java_tool` runs
# one of their programs.
need java "a JDK, 17 or later"
need mvn "Maven"
jars=$MQ_BUILD/scratch/kafka-jars
(
  flock 9
  if ! cmp -s "$here/java/pom.xml" "$jars/pom.xml"; then
    rm -rf "$jars"
    fetched mvn -q -B -f "$here/java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$jars"
    cp "$here/java/pom.xml" "$jars/"
  fi
) 9>"$jars.lock"

export LC_ALL=C.UTF-8  # or Java prints ? for what is not ASCII, where nobody set a locale
java_options=(-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -Xmx256m)
java_tool() { timeout 60 java "${java_options[@]}" -cp "$jars/*" "$@"; }
