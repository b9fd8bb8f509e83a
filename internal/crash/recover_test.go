package crash

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRecover kills engine and plugin at once while two faults and an action are there, and recovers in many ways.
func TestRecover(t *testing.T) { runSituations(t, "recover", recoveries) }

var recoveries = []situation{
	{"two at once", true, (*cell).twoRecover},
	{"killed with its plugin in the middle of a revert", true, (*cell).recoverKilled},
	{"its plugin is killed in the middle of a revert", false, (*cell).recoverPluginDies},
	{"while the run is still at work", false, (*cell).recoverTooSoon},
	{"the plugin is missing", true, (*cell).pluginMissing},
	{"the plugin has another version", true, (*cell).pluginUpgraded},
	{"the plugin has the same version and another checksum", false, (*cell).pluginRebuilt},
	{"by the run's directory, from another one", false, (*cell).recoverByPath},
	{"by the next run, which refuses", false, (*cell).nextRunRefuses},
}

// broken leaves everything that the run had done.
func (c *cell) broken() *cell {
	code, said := c.do(crash{At: "fault.active second", When: after, Engine: true, Plugin: true}, c.runArgs()...)
	require.Equal(c, killed, code, said)
	require.True(c, c.faulty())
	return c
}

func (c *cell) healedByRecover() string { return c.outcome(killed, false) }

func (c *cell) twoRecover() string {
	c.broken()
	one, two := c.begin(c.command(crash{}, "recover")), c.begin(c.command(crash{}, "recover"))
	require.Equal(c, 0, one.wait(), one.said())
	require.Equal(c, 0, two.wait(), two.said())
	require.True(c, c.clean())
	c.recover()
	c.proveNothingLeft()
	return "both exit 0, recover"
}

func (c *cell) recoverKilled() string {
	c.broken()
	c.env = append(c.env, pluginVar+"=recover "+filepath.Join(c.dir, "once"))
	code, said := c.recoverOnce()
	require.Equal(c, killed, code, said)
	require.FileExists(c, filepath.Join(c.dir, "once"))
	return "killed, then " + c.healedByRecover()
}

func (c *cell) recoverPluginDies() string {
	c.broken()
	c.env = append(c.env, pluginVar+"=revert "+filepath.Join(c.dir, "once"))
	defer func() { require.FileExists(c, filepath.Join(c.dir, "once")) }()
	return c.healedByRecover()
}

// recoverTooSoon leaves a run alone that is alive.
func (c *cell) recoverTooSoon() string {
	s := c.hold().missing()
	again := c.begin(c.command(crash{}, "recover", "-wait", "100ms"))
	require.Equal(c, 5, again.wait(), again.said())
	require.Contains(c, again.said(), "is in use by gameday run")
	require.True(c, c.faulty())
	require.NoError(c, s.cmd.Process.Signal(syscall.SIGINT))
	return "refused; the run: " + s.aborted()
}

func (c *cell) pluginMissing() string {
	c.broken()
	there := c.plugins
	c.plugins = filepath.Join(c.dir, "elsewhere")
	left := c.look()
	code, said := c.recoverOnce()
	require.Equal(c, 5, code, said)
	require.Contains(c, said, "plugin file is in none of")
	require.Contains(c, said, "mv -n", "how to undo it by hand")
	require.Equal(c, c.faults(left), c.faults(c.look()))
	c.plugins = there
	return "exit 5, then " + c.healedByRecover()
}

func (c *cell) pluginUpgraded() string {
	c.broken()
	c.env = append(c.env, pluginVar+"=version 9.0.0")
	left := c.look()
	code, said := c.recoverOnce()
	require.Equal(c, 5, code, said)
	require.Contains(c, said, "version 9.0.0")
	require.Contains(c, said, "-any-version")
	require.Equal(c, c.faults(left), c.faults(c.look()), "a plugin that did not do it is not let at it")
	code, said = c.do(crash{}, "recover", "-any-version")
	require.Equal(c, 0, code, said)
	require.True(c, c.clean())
	c.recover()
	c.proveNothingLeft()
	return "exit 5, with -any-version recover"
}

func (c *cell) pluginRebuilt() string {
	c.broken()
	c.rebuildPlugin()
	return c.healedByRecover()
}

// rebuildPlugin makes the plugin's file another one that does the same.
func (c *cell) rebuildPlugin() {
	path := filepath.Join(c.plugins, "gameday-plugin-file")
	b, err := os.ReadFile(path)
	require.NoError(c, err)
	require.NoError(c, os.Remove(path)) // a link to this program
	require.NoError(c, os.WriteFile(path, append(b, 0), 0o755))
}

func (c *cell) recoverByPath() string {
	c.broken()
	cmd := c.command(crash{}, "recover", filepath.Join("..", "gameday-runs", filepath.Base(c.run()), "journal"))
	cmd.Dir = filepath.Join(c.dir, "elsewhere")
	s := c.begin(cmd)
	require.Equal(c, 0, s.wait(), s.said())
	require.True(c, c.clean())
	c.recover()
	c.proveNothingLeft()
	return "recover"
}

func (c *cell) nextRunRefuses() string {
	c.broken()
	code, said := c.do(crash{}, c.runArgs()...)
	require.Equal(c, 2, code, said)
	require.Contains(c, said, "gameday recover")
	return "exit 2, then " + c.healedByRecover()
}
