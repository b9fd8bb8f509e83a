package lang

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gameday-toolkit/gameday/internal/plan"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// nestedCatalog has a plugin whose own block holds blocks.
func nestedCatalog() Catalog {
	c := testCatalog()
	c.Plugin = func(name string) (sdk.Info, error) {
		info, err := testPlugin(name)
		if name == "aws" {
			info.Ledgers = map[string]sdk.Schema{"aws_s3": {Attributes: []sdk.Attribute{{Name: "bucket", Type: sdk.String, Required: true}}}}
			info.Alerts = map[string]sdk.Schema{"aws_alarm": {Attributes: []sdk.Attribute{{Name: "name", Type: sdk.String, Required: true}, {Name: "interval", Type: sdk.Number}}}}
			info.Config.Blocks = []sdk.Block{
				{Name: "assume_role", Schema: sdk.Schema{Attributes: []sdk.Attribute{
					{Name: "arn", Type: sdk.String, Required: true}, {Name: "external_id", Type: sdk.String, Sensitive: true}, {Name: "duration", Type: sdk.Duration, Default: "1h"},
				}}},
				{Name: "watchdog", Max: 1, Schema: sdk.Schema{
					Attributes: []sdk.Attribute{{Name: "image", Type: sdk.String, Required: true}},
					Blocks:     []sdk.Block{{Name: "resources", Max: 1, Schema: sdk.Schema{Attributes: []sdk.Attribute{{Name: "limits", Type: sdk.StringMap}}}}},
				}},
			}
		}
		return info, err
	}
	return c
}

const nested = `
-- main.gameday.hcl --
scenario "nested" {}
variable "id" {
  sensitive = true
  default   = "hunter2"
}
plugin "aws" {
  region = "eu-central-1"
  assume_role {
    arn         = "arn:first"
    external_id = var.id
  }
  assume_role {
    arn      = "arn:second"
    duration = "15m"
  }
  watchdog {
    image = "registry.test/gameday"
    resources {
      limits = { cpu = "100m" }
    }
  }
}
plugin "aws" {
  alias  = "west"
  region = "us-west-2"
}
ledger "aws_s3" "copies" {
  plugin = plugin.aws.west
  bucket = "copies"
}
alert "aws_alarm" "errors" {
  name     = "errors"
  interval = "5s"
}
alert "aws_alarm" "more" {
  plugin = plugin.aws.west
  name   = "more"
}
objective "kept" {
  ledger = ledger.aws_s3.copies
  rpo    = "1m"
}
objective "seen" {
  alert  = alert.aws_alarm.errors
  within = "1m"
}
`

// What stands in the blocks of a plugin's block arrives in the plugin's struct.
func TestBlocksOfAPlugin(t *testing.T) {
	inDir(t, nested)
	m, diags := Check(".", Options{Catalog: nestedCatalog()})
	require.Empty(t, render(m, diags))
	var cfg struct {
		Region     string `json:"region"`
		AssumeRole []struct {
			ARN        string   `json:"arn"`
			ExternalID string   `json:"external_id"`
			Duration   sdk.Span `json:"duration"`
		} `json:"assume_role"`
		Watchdog *struct {
			Image     string `json:"image"`
			Resources *struct {
				Limits map[string]string `json:"limits"`
			} `json:"resources"`
		} `json:"watchdog"`
	}
	require.NotContains(t, string(m.Plugins()[0].Config), "hunter2")
	set := sdk.Settings{Config: plan.Reveal(m.Plugins()[0].Config, m.Secrets())}
	require.NoError(t, set.Decode(&cfg))
	b, err := json.Marshal(cfg)
	require.NoError(t, err)
	require.JSONEq(t, `{"region":"eu-central-1","assume_role":[{"arn":"arn:first","external_id":"hunter2","duration":"1h0m0s"},
		{"arn":"arn:second","external_id":"","duration":"15m0s"}],"watchdog":{"image":"registry.test/gameday","resources":{"limits":{"cpu":"100m"}}}}`, string(b))
}

// A plugin's ledgers and alerts choose their configuration, and the interval of an alert is the core's whatever the plugin says.
func TestLedgersAndAlertsOfAPlugin(t *testing.T) {
	inDir(t, nested)
	m, diags := Check(".", Options{Catalog: nestedCatalog()})
	require.Empty(t, render(m, diags))
	d, diags := m.Draft(nil)
	require.Empty(t, render(m, diags))
	require.Equal(t, "aws.west", d.Ledgers[0].Plugin)
	require.JSONEq(t, `{"bucket":"copies"}`, string(d.Ledgers[0].Config))
	require.Equal(t, "aws", d.Alerts[0].Plugin)
	require.Equal(t, "5s", d.Alerts[0].Interval.String())
	require.JSONEq(t, `{"name":"errors"}`, string(d.Alerts[0].Config))
	require.Equal(t, "aws.west", d.Alerts[1].Plugin)
	require.Equal(t, "1s", d.Alerts[1].Interval.String())
}

func TestMistakesInBlocksOfAPlugin(t *testing.T) {
	inDir(t, `
-- main.gameday.hcl --
scenario "nested" {}
plugin "aws" {
  region = "eu-central-1"
  assume_rol {
    arn = "arn:first"
  }
  watchdog {
    imag = "registry.test/gameday"
  }
}
alert "webhook" "w" {
  interval = "1s"
}
experiment "e" {
  source = "./e"
}
-- e/e.gameday.hcl --
plugin "aws" {
  watchdog {
    image = "registry.test/gameday"
  }
}
`)
	m, diags := Check(".", Options{Catalog: nestedCatalog()})
	got := render(m, diags)
	for _, want := range []string{`Did you mean "assume_role"?`, `The argument "image" is missing`, `Did you mean "image"?`,
		`An argument named "interval" is not expected here`, "An experiment does not configure plugin"} {
		require.Contains(t, got, want)
	}
}
