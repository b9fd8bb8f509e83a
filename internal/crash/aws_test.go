package crash

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// awsFaults are the faults of an AWS account, in a shop that the fake of AWS has: {NAME} stands for what it says of itself.
var awsFaults = []struct {
	name, target, fault, attributes string
	clock
}{
	{"zone outage", zoneOfShop, "aws_zone_outage", `load_balancers = "shift"`, noClock},
	{"network denied", `"aws_subnet" "t" { ids = ["{subnet}"] }`, "aws_network_denied", "", noClock},
	{"instance stopped", `"aws_instance" "t" { ids = ["{instance0}"] }`, "aws_instance_stop", "", noClock},
	{"instance rebooted", `"aws_instance" "t" { ids = ["{instance0}"] }`, "aws_instance_reboot", "", noClock},
	{"scaling suspended", `"aws_auto_scaling_group" "t" { names = ["{group}"] }`, "aws_scaling_suspended", "", noClock},
	{"scaling zone removed", `"aws_auto_scaling_group" "t" { names = ["{group}"] }`, "aws_scaling_zone_removed", `zone = "{zone}"`, noClock},
	{"scaling clamped", `"aws_auto_scaling_group" "t" { names = ["{group}"] }`, "aws_scaling_max", "", noClock},
	{"zonal shift", zoneOfShop, "aws_zonal_shift", "", noClock},
	{"database failover", `"aws_db_cluster" "t" { ids = ["{cluster}"] }`, "aws_db_failover", "", noClock},
	{"cache failover", `"aws_cache_group" "t" { ids = ["{cache}"] }`, "aws_cache_failover", "", noClock},
	{"record deleted", `"aws_record" "t" {
  zone = "{hosted_zone}"
  names = ["www.{hosted_zone}", "api.{hosted_zone}"]
}`, "aws_record_changed", "", noClock},
	{"record wrong", `"aws_record" "t" {
  zone = "{hosted_zone}"
  names = ["api.{hosted_zone}"]
}`, "aws_record_changed", "mode = \"answer\"\nanswer = [\"192.0.2.99\"]", noClock},
	{"health check inverted", `"aws_health_check" "t" { ids = ["{health_check}"] }`, "aws_health_check_inverted", "", noClock},
	{"names blocked", `"aws_vpc" "t" { ids = ["{vpc}"] }`, "aws_dns_blocked", `names = ["db.shop.example"]`, noClock},
	{"concurrency", `"aws_function" "t" { ids = ["{function}"] }`, "aws_lambda_concurrency", "", noClock},
	{"table clamped", `"aws_table" "t" { ids = ["{table}"] }`, "aws_table_capacity", "write = 1", noClock},
	{"addresses taken", `"aws_region" "t" { names = ["{region}"] }`, "aws_capacity_taken", "most = 2", noClock},
	{"interfaces taken", `"aws_subnet" "t" { ids = ["{subnet}"] }`, "aws_capacity_taken", "most = 2", noClock},
	{"experiment", "", "aws_fis_experiment", `template_id = "{template}"`, serverClock},
}

const zoneOfShop = `"aws_zone" "t" { names = ["{zone}"] }`

// TestAWS kills gameday and its plugin while AWS, which does not die, keeps what they did to it.
func TestAWS(t *testing.T) {
	t.Parallel()
	plugin, fake := build(t, "aws"), buildFake(t)
	table := results.table("aws", names(moments)...)
	for _, f := range awsFaults {
		for _, m := range moments {
			table.expect(f.name, m.name)
		}
		eachOf(t, someMoments(), table, f.name, func(c *cell, how crash) string {
			a := &awsCell{cell: c}
			a.own(plugin, fake, f.target, f.fault, f.attributes)
			return c.killedAt(how, f.clock)
		})
	}
}

func buildFake(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "aws")
	out, err := exec.Command("go", "build", "-o", path, "../../plugins/aws/internal/awsfake/serve").CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// awsCell is a cell whose target is an account.
type awsCell struct {
	*cell
	there map[string]string
}

func (a *awsCell) own(plugin, fake, target, fault, attributes string) {
	c := a.cell
	c.useBinary(plugin)
	a.start(fake)
	c.env = append(c.env, "AWS_ACCESS_KEY_ID="+a.there["access_key"], "AWS_SECRET_ACCESS_KEY="+a.there["secret"], "AWS_EC2_METADATA_DISABLED=true")
	c.look = a.look
	c.faults = func(looked string) string { return looked }
	c.settle = 20 * time.Second // an experiment has ten
	block := fmt.Sprintf("fault %q \"f\" {\nhold = \"300ms\"\n%s\n}\n", fault, attributes)
	if target != "" {
		block = "target " + target + "\n" + strings.Replace(block, "hold", "targets = "+reference(target)+"\nhold", 1)
	}
	text := "scenario \"aws\" {\nservice = \"shop\"\nbaseline = \"50ms\"\nrecovery = \"5s\"\n}\n" +
		"plugin \"aws\" {\nregion = \"{region}\"\naccounts = [\"{account}\"]\nendpoint_url = \"{url}\"\nconsistency = \"50ms\"\n}\n" + block
	for name, value := range a.there {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	c.replaceScenario(text)
	c.before = c.look()
}

// reference is target.TYPE.NAME of a block's labels.
func reference(labels string) string {
	f := strings.Split(labels, `"`)
	return "target." + f[1] + "." + f[3]
}

// start starts AWS, which ends with its standard input.
func (a *awsCell) start(fake string) {
	cmd := exec.Command(fake)
	in, err := cmd.StdinPipe()
	require.NoError(a, err)
	out, err := cmd.StdoutPipe()
	require.NoError(a, err)
	require.NoError(a, cmd.Start())
	a.Cleanup(func() {
		require.NoError(a, in.Close())
		require.NoError(a, cmd.Wait())
	})
	require.NoError(a, json.NewDecoder(out).Decode(&a.there))
}

// look asks AWS itself what there is.
func (a *awsCell) look() string {
	resp, err := http.Get(a.there["url"] + "/_fake/state")
	require.NoError(a, err)
	b, err := io.ReadAll(resp.Body)
	require.NoError(a, err)
	require.NoError(a, resp.Body.Close())
	require.Equal(a, http.StatusOK, resp.StatusCode, string(b))
	return string(b)
}
