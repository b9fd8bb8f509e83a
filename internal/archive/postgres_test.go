package archive

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// server is one PostgreSQL for all tests of the package: on a socket of its own, and with no port. why says why there is none.
var server struct {
	dir string
	why string
}

func TestMain(m *testing.M) { os.Exit(withServer(m)) }

func withServer(m *testing.M) int {
	bin := postgresBin()
	if bin == "" {
		server.why = "PostgreSQL's server is not installed (Debian: postgresql)"
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "pg") // a socket's path may not be long
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	who, err := credential(dir)
	if err != nil {
		server.why = err.Error()
		return m.Run()
	}
	start := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, name), args...)
		cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Credential: who}
		return cmd
	}
	if out, err := start("initdb", "-D", filepath.Join(dir, "data"), "-A", "trust", "-U", "gameday", "--no-sync").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("initdb: %v\n%s", err, out))
	}
	cmd := start("postgres", "-D", filepath.Join(dir, "data"), "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=40", "-c", "shared_buffers=16MB")
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // fast shutdown
		_ = cmd.Wait()
	}()
	server.dir = dir
	return m.Run()
}

// postgres gives the URL of an empty database.
func postgres(t *testing.T) string {
	t.Helper()
	if server.dir == "" {
		if os.Getenv("GAMEDAY_REQUIRE") != "" {
			t.Fatal(server.why)
		}
		t.Skip(server.why + "; see make integration-deps")
	}
	db, err := sql.Open("pgx", at("postgres"))
	require.NoError(t, err)
	defer db.Close()
	name := strings.ToLower(strings.NewReplacer("/", "_").Replace(t.Name()))
	require.Eventually(t, func() bool {
		if _, err := db.ExecContext(t.Context(), `DROP DATABASE IF EXISTS "`+name+`"`); err != nil {
			return false // still coming up
		}
		_, err := db.ExecContext(t.Context(), `CREATE DATABASE "`+name+`"`)
		return err == nil
	}, 30*time.Second, 50*time.Millisecond, "the server did not come up")
	return at(name)
}

func at(database string) string {
	return "postgres://gameday@/" + database + "?host=" + url.QueryEscape(server.dir)
}

// postgresBin finds the newest server; Debian keeps it off the path.
func postgresBin() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is sound
	if len(found) > 0 {
		return filepath.Dir(slices.Max(found))
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}

// credential: PostgreSQL does not run as root. Its directory is given to the user that Debian made for it, or nobody.
func credential(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr != nil || gidErr != nil || os.Chown(dir, int(uid), int(gid)) != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("there is no user to run PostgreSQL as")
}
