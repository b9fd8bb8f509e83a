package main

import "github.com/gameday-toolkit/gameday/plugins/sdk"

func misbehave(p *sdk.Plugin) *sdk.Plugin { return p }
