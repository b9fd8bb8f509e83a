package approval

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Approval names what was approved, by whom and when.
type Approval struct {
	Plan        string    `json:"plan"` // the hash of the plan
	Scenario    string    `json:"scenario"`
	Environment string    `json:"environment"`
	Person      string    `json:"person"` // as in the list of approvers
	At          time.Time `json:"at"`
	// Signature is the armoured signature over all of the above.
	Signature string `json:"signature,omitempty"`
}

// message is what is signed.
func (a Approval) message() []byte {
	a.Signature = ""
	b, err := json.Marshal(a)
	if err != nil {
		panic(fmt.Sprintf("approval: an approval is plain data and always encodes: %v", err))
	}
	return append(b, '\n')
}

const suffix = ".approval"

// maxSize is far beyond any signature.
const maxSize = 64 << 10

// FileFor is where the approval of a saved plan is kept: beside it.
func FileFor(planFile, person string) string {
	safe := strings.Map(func(r rune) rune {
		if r == '/' || r == 0 || r == ' ' {
			return '_'
		}
		return r
	}, person)
	return planFile + "." + safe + suffix
}

// Beside lists the approvals that are kept beside a saved plan.
func Beside(planFile string) ([]string, error) {
	dir, base := filepath.Split(planFile)
	found, err := os.ReadDir(filepath.Clean(dir + "."))
	if err != nil {
		return nil, fmt.Errorf("looking for approvals: %w", err)
	}
	var out []string
	for _, f := range found {
		if strings.HasPrefix(f.Name(), base+".") && strings.HasSuffix(f.Name(), suffix) && !f.IsDir() {
			out = append(out, dir+f.Name())
		}
	}
	return out, nil
}

// Read reads an approval. It has not been verified.
func Read(path string) (a Approval, err error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxSize {
		err = errors.New("it is too large for an approval")
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	if err == nil && (a.Plan == "" || a.Person == "" || a.Signature == "") {
		err = errors.New("it is not an approval made by gameday approve")
	}
	if err != nil {
		return a, fmt.Errorf("reading the approval %s: %w", path, err)
	}
	return a, nil
}

// Write writes an approval.
func (a Approval) Write(path string) error {
	b, err := json.MarshalIndent(a, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(b, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the approval: %w", err)
	}
	return nil
}
