package pluginhost

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// NotFoundError says where a plugin was looked for, and what it may have been meant to be.
type NotFoundError struct {
	Name string
	Dirs []string
	// Similar is a plugin that is there and has a similar name, or empty.
	Similar string
}

func (e *NotFoundError) Error() string {
	hint := fmt.Sprintf("install %s%s in one of them, or set GAMEDAY_PLUGIN_DIR to where it is", Prefix, e.Name)
	if e.Similar != "" {
		hint = fmt.Sprintf("did you mean %q?", e.Similar)
	}
	return fmt.Sprintf("plugin %s is in none of %s: %s", e.Name, strings.Join(e.Dirs, ", "), hint)
}

// Find returns the path of the plugin's file.
func (h *Host) Find(name string) (string, error) {
	for _, dir := range h.opts.Dirs {
		path := filepath.Join(dir, Prefix+name)
		if executable(path) {
			return filepath.Abs(path)
		}
	}
	return "", &NotFoundError{Name: name, Dirs: h.opts.Dirs, Similar: similar(name, h.Names())}
}

// Names lists the plugins that Find would find, sorted.
func (h *Host) Names() []string {
	var names []string
	for _, dir := range h.opts.Dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // not every directory of the list has to exist
		}
		for _, e := range entries {
			name, ok := strings.CutPrefix(e.Name(), Prefix)
			if ok && name != "" && executable(filepath.Join(dir, e.Name())) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

func similar(name string, names []string) string {
	best, distance := "", max(2, len(name)/3)+1
	for _, n := range names {
		if d := levenshtein.Distance(name, n, nil); d < distance {
			best, distance = n, d
		}
	}
	return best
}

// ChecksumError says that a plugin's file is not the one that was locked.
type ChecksumError struct{ Name, Path, Want, Got string }

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("plugin %s: %s has the SHA-256 %s, and .gameday.lock.hcl expects %s: install the locked version, "+
		"or, if the change is intended, remove the plugin from .gameday.lock.hcl and run gameday init", e.Name, e.Path, e.Got, e.Want)
}

// check returns the file's SHA-256, which must be the locked one if there is one.
func (h *Host) check(name, path string) (string, error) {
	got, err := Checksum(path)
	if err != nil {
		return "", fmt.Errorf("checking plugin %s: %w", name, err)
	}
	want, locked := h.opts.Checksums[name]
	if locked && !strings.EqualFold(want, got) {
		return "", &ChecksumError{Name: name, Path: path, Want: want, Got: got}
	}
	return got, nil
}

// Checksum returns the SHA-256 of a file, in hex.
func Checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
