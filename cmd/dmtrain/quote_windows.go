package main

import "strings"

// shellQuote makes a path one word of a command line, for people to copy into cmd.exe or PowerShell. No file name has quotes here.
func shellQuote(path string) string {
	if path != "" && !strings.ContainsAny(path, " &|<>^%!()[]{};,=`'$@#") {
		return path
	}
	return `"` + path + `"`
}
