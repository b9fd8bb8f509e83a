package approval

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Namespace keeps these signatures apart from those made for mail, git or files.
const Namespace = "gameday-approval"

// skew is how far the clocks of two machines may be apart.
const skew = 5 * time.Minute

// Sign signs with a private key, or with the public half of one that an agent holds. ssh-keygen asks for a passphrase on the
// terminal by itself.
func (a Approval) Sign(ctx context.Context, key string) (Approval, error) {
	out, err := keygen(ctx, a.message(), "-Y", "sign", "-q", "-f", key, "-n", Namespace)
	if err != nil {
		return a, fmt.Errorf("signing with %s: %w", key, err)
	}
	a.Signature = string(out)
	return a, nil
}

// Verify proves that the person approved this plan, and returns the fingerprint of the key, by which two names that are one
// person can be told: signers is the text of an allowed_signers file (ssh-keygen(1), ALLOWED SIGNERS), and lifetime how long
// an approval holds.
func (a Approval) Verify(ctx context.Context, plan, signers string, now time.Time, lifetime time.Duration) (key string, err error) {
	if err := a.fits(plan, now, lifetime); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "gameday-approval-")
	if err != nil {
		return "", fmt.Errorf("verifying an approval: %w", err)
	}
	sig, list := filepath.Join(dir, "signature"), filepath.Join(dir, "signers")
	err = errors.Join(os.WriteFile(sig, []byte(a.Signature), 0o600), os.WriteFile(list, []byte(signers), 0o600))
	if err == nil {
		var said []byte
		said, err = keygen(ctx, a.message(), "-Y", "verify", "-f", list, "-I", a.Person, "-n", Namespace, "-s", sig)
		if key = fingerprint.FindString(string(said)); err == nil && key == "" {
			err = errors.New("ssh-keygen did not say whose key it is")
		}
		if err != nil {
			err = fmt.Errorf("the signature of %s does not hold for the list of approvers: %w", a.Person, err)
		}
	}
	return key, errors.Join(err, os.RemoveAll(dir))
}

// fingerprint is how ssh-keygen names the key of a good signature.
var fingerprint = regexp.MustCompile(`SHA256:[A-Za-z0-9+/]{43}`)

// fits is what can be told without the signature.
func (a Approval) fits(plan string, now time.Time, lifetime time.Duration) error {
	switch {
	case a.Plan != plan:
		return fmt.Errorf("%s approved another plan: %s, and this one is %s", a.Person, short(a.Plan), short(plan))
	case a.At.After(now.Add(skew)):
		return fmt.Errorf("the approval by %s is of the future: %s", a.Person, a.At.Format(time.RFC3339))
	case now.Sub(a.At) > lifetime:
		return fmt.Errorf("the approval by %s is older than %s: %s", a.Person, lifetime, a.At.Format(time.RFC3339))
	case strings.HasPrefix(a.Person, "-"):
		return fmt.Errorf("%q is no person", a.Person)
	}
	return nil
}

// short is as much of a hash as messages show.
func short(hash string) string { return hash[:min(12, len(hash))] }

// keygen runs ssh-keygen over a message.
func keygen(ctx context.Context, message []byte, args ...string) ([]byte, error) {
	path, err := exec.LookPath("ssh-keygen")
	if err != nil {
		return nil, errors.New("there is no ssh-keygen on this machine: install OpenSSH's client")
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdin = bytes.NewReader(message)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if said := strings.Join(strings.Fields(errs.String()+" "+out.String()), " "); said != "" {
			return nil, fmt.Errorf("ssh-keygen: %s", said)
		}
		return nil, fmt.Errorf("ssh-keygen: %w", err)
	}
	return out.Bytes(), nil
}
