package approval

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// person makes a key and the line that lets it sign.
func person(t *testing.T, name string) (key, signer string) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		require.NotEqual(t, "1", os.Getenv("GAMEDAY_REQUIRE"), "there is no ssh-keygen")
		t.Skip("there is no ssh-keygen on this machine: install OpenSSH's client")
	}
	key = filepath.Join(t.TempDir(), "key")
	out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput()
	require.NoError(t, err, string(out))
	public, err := os.ReadFile(key + ".pub")
	require.NoError(t, err)
	return key, name + ` namespaces="` + Namespace + `" ` + string(public)
}

func given(t *testing.T) (a Approval, signers string) {
	key, signers := person(t, "ada@example.org")
	a = Approval{Plan: "abc", Scenario: "s", Environment: "production", Person: "ada@example.org", At: time.Now()}
	a, err := a.Sign(t.Context(), key)
	require.NoError(t, err)
	return a, signers
}

func TestASignatureHoldsForOnePlanByOnePersonForAWhile(t *testing.T) {
	a, signers := given(t)
	path := filepath.Join(t.TempDir(), "x")
	require.NoError(t, a.Write(path))
	a, err := Read(path)
	require.NoError(t, err)
	verify := func(a Approval, plan, signers string, now time.Time) error {
		key, err := a.Verify(t.Context(), plan, signers, now, time.Hour)
		require.Equal(t, err == nil, key != "", "who it was is known when it holds")
		return err
	}
	now := time.Now()
	require.NoError(t, verify(a, "abc", signers, now))
	require.ErrorContains(t, verify(a, "abd", signers, now), "another plan")
	require.ErrorContains(t, verify(a, "abc", signers, now.Add(2*time.Hour)), "older than 1h0m0s")
	require.ErrorContains(t, verify(a, "abc", signers, now.Add(-time.Hour)), "future")

	_, others := person(t, "bob@example.org")
	require.ErrorContains(t, verify(a, "abc", others, now), "does not hold", "who is not on the list")
	_, stolen := person(t, "ada@example.org")
	require.ErrorContains(t, verify(a, "abc", stolen, now), "does not hold", "somebody else's key")
	require.ErrorContains(t, verify(a, "abc", "", now), "does not hold", "nobody is on the list")

	for name, forge := range map[string]func(*Approval){
		"the person": func(a *Approval) { a.Person = "bob@example.org" },
		"the time":   func(a *Approval) { a.At = a.At.Add(time.Minute) },
		"the place":  func(a *Approval) { a.Environment = "staging" },
		"an option":  func(a *Approval) { a.Person = "-I" },
	} {
		b := a
		forge(&b)
		require.Error(t, verify(b, "abc", signers, now), name)
	}
	b := a
	b.Plan = "abd"
	require.ErrorContains(t, verify(b, "abd", signers, now), "does not hold", "another plan was signed")
}

func TestAnotherNamespaceIsNoApproval(t *testing.T) {
	a, signers := given(t)
	key, signer := person(t, a.Person)
	out, err := keygen(t.Context(), a.message(), "-Y", "sign", "-q", "-f", key, "-n", "git")
	require.NoError(t, err)
	a.Signature = string(out)
	_, err = a.Verify(t.Context(), "abc", signers+signer, time.Now(), time.Hour)
	require.Error(t, err)
}

func TestTheKeyTellsWhoTwoNamesAre(t *testing.T) {
	key, _ := person(t, "ada@example.org")
	public, err := os.ReadFile(key + ".pub")
	require.NoError(t, err)
	var found []string
	for _, name := range []string{"ada@example.org", "ada.too@example.org"} {
		a, err := Approval{Plan: "abc", Person: name, At: time.Now()}.Sign(t.Context(), key)
		require.NoError(t, err)
		fp, err := a.Verify(t.Context(), "abc", "*@example.org "+string(public), time.Now(), time.Hour)
		require.NoError(t, err)
		found = append(found, fp)
	}
	require.Equal(t, found[0], found[1])
}

func TestWhatIsNoApproval(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	for _, text := range []string{"", "{}", "[]", `{"plan":"abc","person":"ada"}`} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := Read(path)
		require.ErrorContains(t, err, "reading the approval "+path)
	}
	_, err := Approval{Person: "ada"}.Sign(t.Context(), filepath.Join(t.TempDir(), "missing"))
	require.ErrorContains(t, err, "signing with")
}

func TestApprovalsAreFoundBesideThePlan(t *testing.T) {
	dir := t.TempDir()
	plan := filepath.Join(dir, "az.plan")
	for _, f := range []string{FileFor(plan, "ada"), FileFor(plan, "../bob"), plan + ".txt", filepath.Join(dir, "other.plan.eve.approval")} {
		require.Equal(t, dir, filepath.Dir(f))
		require.NoError(t, os.WriteFile(f, nil, 0o600))
	}
	found, err := Beside(plan)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{FileFor(plan, "ada"), FileFor(plan, "../bob")}, found)
}
