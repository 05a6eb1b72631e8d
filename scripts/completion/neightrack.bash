# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of neightrack and neightrackd for bash. The tool itself knows what may stand
# where: its hidden command `complete` prints it, a line each.

_neightrack() {
	local program=${COMP_WORDS[0]##*/} tool=neightrack line
	local -a words=("${COMP_WORDS[@]:1:COMP_CWORD}")

	[[ $program != neightrack ]] || tool=${COMP_WORDS[0]}
	COMPREPLY=()
	while IFS= read -r line; do
		if [[ $line == :files ]]; then
			compopt -o filenames 2>/dev/null
			while IFS= read -r line; do
				COMPREPLY+=("$line")
			done < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]#=}")
		else
			COMPREPLY+=("$line")
		fi
	done < <("$tool" complete "$program" "${words[@]}" 2>/dev/null)
}

complete -F _neightrack neightrack neightrackd
