package process

import (
	"os"
	"strings"
)

// tailBytes bounds what is read of a log that may be large.
const tailBytes = 16 << 10

// Tail returns the last lines of a file, indented, for an error message; a file that cannot be read has none.
func Tail(path string, lines int) string {
	file, err := os.Open(path)
	if err != nil {
		return "  (no log: " + err.Error() + ")"
	}
	defer file.Close()
	buffer := make([]byte, tailBytes)
	size := int64(0)
	if info, err := file.Stat(); err == nil {
		size = info.Size()
	}
	n, _ := file.ReadAt(buffer, max(0, size-tailBytes))
	all := strings.Split(strings.TrimRight(string(buffer[:n]), "\n"), "\n")
	return "  " + strings.Join(all[max(0, len(all)-lines):], "\n  ")
}
