#!/usr/bin/env bash
# Writes the tables of README.md anew from results.csv; with --check says whether they are of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

tables() {
  awk -F, '
    function grouped(n,  s, out) {
      s = sprintf("%.0f", n)
      while (length(s) > 3) {
        out = "," substr(s, length(s) - 2) out
        s = substr(s, 1, length(s) - 3)
      }
      return s out
    }
    function plain(n, digits) {  # so many that count, no more
      return n >= 1000 ? grouped(n) : sprintf("%." digits "g", n) + 0 ""
    }
    function per_cent(n,  s) { s = sprintf("%.1f", 100 * n); sub(/\.0$/, "", s); return s }
    function is_share(c) { return c ~ /^(success|stale|false|honest|honest way)$/ }
    # One value with its interval.
    function cell(t, p, c,  v, h) {
      if (!((t, p, c) in value)) return ""
      v = value[t, p, c]; h = half[t, p, c]
      if (t !~ /^success by/ && c == "success" && v == 1 && h == 0)
        return sprintf("100 (≥ %.1f)", 100 * wilson(value[t, p, "finds"] * runs[t, p, "finds"]))
      if (is_share(c) || t ~ /^success by/)
        return per_cent(v) (h > 0 || (v > 0 && v < 1) ? sprintf(" ± %.1f", 100 * h) : "")
      return plain(v, 3) (h > 0 ? " ± " plain(h, 2) : "")
    }
    # The lower end of the interval of 95 % where all of n succeeded.
    function wilson(n) { return n / (n + 1.96 * 1.96) }
    function signed(t, p, c,  v, h, s) {
      v = value[t, p, c]; h = half[t, p, c]
      if (c == "success" || c == "false") {
        if (v == 0 && h == 0) return "0"
        s = sprintf("%+.1f", 100 * v)
        return (s ~ /^[+-]0\.0$/ ? "0" : s) sprintf(" ± %.1f", 100 * h)
      }
      s = (v < 0 ? "-" : "+") plain(v < 0 ? -v : v, c == "messages" ? 2 : 3)
      return s (h > 0 ? " ± " plain(h, 2) : "")
    }
    function head_of(list, n,  i, line, rule) {
      line = "| policy |"; rule = "|---|"
      for (i = 1; i <= n; ++i) {
        line = line " " list[i] (is_share(list[i]) ? " %" : "") " |"; rule = rule "---:|"
      }
      print line "\n" rule
    }
    function title(t) {
      sub(/; 10000 heads/, ", 10,000 heads", t)
      sub(/; 100000 heads/, ", 100,000 heads", t)
      return t
    }
    function rows_of(t, list, n,  i, k, line) {
      for (k = 1; k <= policies[t]; ++k) {
        line = "| " policy[t, k] " |"
        for (i = 1; i <= n; ++i) line = line " " cell(t, policy[t, k], list[i]) " |"
        print line
      }
    }
    NR > 1 {
      value[$1, $2, $3] = $7; half[$1, $2, $3] = $8 + 0; runs[$1, $2, $3] = $9
      if (!(($1, $2) in seen)) { seen[$1, $2] = 1; policy[$1, ++policies[$1]] = $2 }
      if ($1 !~ /^(success by|beside)/ && !($1 in known)) { known[$1] = 1; world[++worlds] = $1 }
    }
    END {
      compared = split("success,messages,time ms,bytes,false", beside, ",")
      held = split("over 10 %,over 1 %,over 0.1 %,rarer", holders, ",")
      for (w = 1; w <= worlds; ++w) {
        t = world[w]
        wanted = "success,hops,questions,messages,time ms,bytes"
        if (t !~ /^calm/) wanted = wanted ",stale"
        if (t ~ /liars/) wanted = wanted ",false,honest,honest way"
        columns = split(wanted ",upkeep B/s,memory B", column, ",")
        print "\n### " title(t) "\n"
        head_of(column, columns)
        rows_of(t, column, columns)
        if (t !~ /^skype(;| 10)/) continue
        print "\nBy how many perform the service, %: " title(t) ":\n"
        head_of(holders, held)
        rows_of("success by holders; " t, holders, held)
      }
      print "\n### Beside Kademlia\n"
      print "The same seed makes the same world, in which the same heads ask the same at the same"
      print "instants whatever the policy. So each seed\047s difference to Kademlia says more than"
      print "the difference of two means; its intervals:\n"
      print "| world | policy | found, points | messages | time, ms | bytes | false, points |"
      print "|---|---|---:|---:|---:|---:|---:|"
      for (w = 1; w <= worlds; ++w) {
        t = "beside kademlia; " world[w]
        for (k = 1; k <= policies[t]; ++k) {
          p = policy[t, k]
          if (p !~ /^(pastry|capability filters|ring )/) continue
          line = "| " title(world[w]) " | " p " |"
          for (i = 1; i <= compared; ++i) line = line " " signed(t, p, beside[i]) " |"
          print line
        }
      }
      print ""
    }' results.csv
}
whole() {
  sed '/^<!-- tables/q' README.md
  tables
  sed -n '/^<!-- end of tables/,$p' README.md
}

made=$(mktemp)
trap 'rm -f "$made"' EXIT
whole >"$made"
if [ "${1-}" = --check ]; then
  diff -u README.md "$made" && exit
  echo "README.md: its tables are not of results.csv; run $0" >&2
  exit 1
else
  cat "$made" >README.md
fi
