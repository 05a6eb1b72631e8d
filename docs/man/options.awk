# SPDX-License-Identifier: GPL-2.0-or-later
# Makes of neightrackd.conf.example the options of neightrackd.conf(5), in mdoc(7): each
# block of comments with the options that follow it is an item of a list. So what an option
# does is written once.

# One input line for mdoc: no longer than 78 bytes, and never a request.
function put(text,    cut) {
	while (text != "") {
		cut = length(text)
		if (cut > 78) {
			for (cut = 78; cut > 1 && substr(text, cut, 1) != " "; cut--)
				;
			if (cut == 1)
				cut = length(text)
		}
		line = substr(text, 1, cut)
		text = substr(text, cut + 1)
		sub(/ +$/, "", line)
		if (line ~ /^[.']/)
			line = "\\&" line
		if (line != "")
			print line
	}
}

function escape(text) {
	gsub(/\\/, "\\e", text)
	return text
}

# Sentences stand on lines of their own.
function flush_words(    rest) {
	rest = escape(words)
	while (match(rest, /`[^`]*`/))
		rest = substr(rest, 1, RSTART - 1) "\\fI" substr(rest, RSTART + 1, RLENGTH - 2) \
		       "\\fR" substr(rest, RSTART + RLENGTH)
	while (match(rest, /[.?!]\)? +[^ ]/)) {
		put(substr(rest, 1, RSTART + RLENGTH - 3))
		rest = substr(rest, RSTART + RLENGTH - 1)
	}
	put(rest)
	words = ""
}

function end_literal() {
	if (literal)
		print ".Ed"
	literal = 0
}

function print_lines(    i) {
	for (i = 1; i <= lines; i++) {
		if (block[i] ~ /^  /) {
			flush_words()
			if (!literal)
				print ".Bd -literal"
			literal = 1
			print escape(substr(block[i], 3))
		} else if (block[i] != "") {
			end_literal()
			words = words (words == "" ? "" : " ") block[i]
		} else if (block[i + 1] !~ /^  /) {
			end_literal()
			flush_words()
			print ".Pp"
		} else if (literal) {
			print ""
		}
	}
	flush_words()
	end_literal()
}

# A section without options is text alone.
function flush_block(    i) {
	if (options && !in_list)
		print ".Bl -tag -width Ds"
	if (options)
		in_list = 1
	for (i = 1; i <= options; i++)
		print option[i]
	print_lines()
	options = lines = 0
}

function end_section() {
	flush_block()
	if (in_list)
		print ".El"
	in_list = 0
}

/^### / {
	end_section()
	in_section = 1
	sub(/ \(docs.*/, "")
	print ".Ss " substr($0, 5)
	next
}
!in_section { next }
/^$/ { flush_block(); next }
/^# [a-z0-9_]+ =/ {
	value = $0
	sub(/^# [a-z0-9_]+ = */, "", value)
	option[++options] = ".It Ic " $2 " =" (value == "" ? "" : " Ar " value)
	next
}
{ sub(/^# ?/, ""); block[++lines] = $0 }
END { end_section() }
