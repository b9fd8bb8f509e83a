package mark

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The names of what is written on objects. Objects that a fault changes carry the labels, objects that it makes carry the
// annotation as well. An annotation on what is changed would not do: the Deployment controller copies annotations to
// ReplicaSets and never takes them away again.
const (
	RunLabel         = "gameday/run"
	FaultLabel       = "gameday/fault"
	HandleAnnotation = "gameday/handle"
)

// Mark is that of one fault of one run.
type Mark struct {
	// Hash stands for the handle's ID wherever that does not fit: in labels and names.
	Hash string
	Run  string
	ID   string
}

// Of is the mark of a handle. When the plan is made there is no run yet, and nothing that is marked.
func Of(run, id string) Mark {
	if run == "" {
		return Mark{Hash: "RUN", ID: id}
	}
	if hash, ok := strings.CutPrefix(id, unnamed); ok {
		return Mark{Hash: hash, Run: run, ID: id}
	}
	sum := sha256.Sum256([]byte(id))
	return Mark{Hash: hex.EncodeToString(sum[:6]), Run: run, ID: id}
}

// unnamed begins the ID of a handle of which only the hash is known.
const unnamed = "mark:"

// Unnamed is the ID of a handle of which only the hash is known.
func Unnamed(hash string) string { return unnamed + hash }

// Name is a name for an object of this fault.
func (m Mark) Name(what string) string { return "gameday-" + what + "-" + m.Hash }

// Labels are those of everything that the fault makes or changes.
func (m Mark) Labels() map[string]string {
	return map[string]string{RunLabel: label(m.Run), FaultLabel: m.Hash}
}

// Put writes the mark on an object of ours.
func (m Mark) Put(o *unstructured.Unstructured) {
	labels, notes := o.GetLabels(), o.GetAnnotations()
	if labels == nil {
		labels = map[string]string{}
	}
	if notes == nil {
		notes = map[string]string{}
	}
	for k, v := range m.Labels() {
		labels[k] = v
	}
	notes[HandleAnnotation] = m.ID
	o.SetLabels(labels)
	o.SetAnnotations(notes)
}

// On says whether the object carries this mark.
func (m Mark) On(o *unstructured.Unstructured) bool { return o.GetLabels()[FaultLabel] == m.Hash }

// Holder is the hash of the fault whose mark an object carries, and its run; empty if none.
func Holder(o *unstructured.Unstructured) (hash, run string) {
	return o.GetLabels()[FaultLabel], o.GetLabels()[RunLabel]
}

// label is s as the value of a label: at most 63 letters, digits, dots, underscores and dashes.
func label(s string) string {
	s = regexp.MustCompile(`[^A-Za-z0-9._-]`).ReplaceAllString(s, "-")
	return strings.Trim(s[:min(len(s), 63)], "-_.")
}
