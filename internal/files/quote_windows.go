package files

import "strings"

// Quoted makes a path one word of a command line, for people to copy into cmd.exe or PowerShell. No file name has
// quotes here.
func Quoted(path string) string {
	if path != "" && !strings.ContainsAny(path, " &|<>^%!()[]{};,=`'$@#") {
		return path
	}
	return `"` + path + `"`
}
