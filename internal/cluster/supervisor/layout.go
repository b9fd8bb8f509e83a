package supervisor

import (
	"os"
	"path/filepath"
)

// layout names the files of a cluster. What only the supervisor reads is below inner, so that it goes in one piece.
type layout struct{ root string }

const inner = "cluster"

func (l layout) kubeconfig() string    { return filepath.Join(l.root, "kubeconfig") }
func (l layout) state() string         { return filepath.Join(l.root, "cluster.json") }
func (l layout) supervisorLog() string { return filepath.Join(l.root, "supervisor.log") }
func (l layout) inner() string         { return filepath.Join(l.root, inner) }
func (l layout) log(name string) string {
	return l.file("logs", name+".log")
}

func (l layout) file(elements ...string) string {
	return filepath.Join(append([]string{l.inner()}, elements...)...)
}

// create makes the directories anew. What an earlier cluster that was killed left there goes.
func (l layout) create() error {
	if err := l.remove(); err != nil {
		return err
	}
	for _, directory := range []string{l.file("logs"), l.file("pki")} {
		if err := os.MkdirAll(directory, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// remove removes every file of the cluster, by name, but for the log that tells how it went.
func (l layout) remove() error {
	for _, file := range []string{l.kubeconfig(), l.state(), filepath.Join(l.root, socketName)} {
		if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return os.RemoveAll(l.inner())
}
