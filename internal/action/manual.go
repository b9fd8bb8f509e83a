package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

type manualConfig struct {
	Title       string `json:"title"`
	Instruction string `json:"instruction"`
}

// errNobody is the error of a manual step where nobody can be asked.
var errNobody = errors.New("nobody can be asked: a manual step needs a terminal")

func manualSchema() sdk.Schema {
	return sdk.Schema{
		Doc: "Asks a person to do something and waits until they say that it is done. The time this takes is part of the recovery time.",
		Attributes: []sdk.Attribute{
			{Name: "title", Type: sdk.String, Doc: "A few words for the report"},
			{Name: "instruction", Type: sdk.String, Required: true, Doc: "What the person is to do"},
		},
	}
}

func runManual(ctx context.Context, env Env, config json.RawMessage) (Said, error) {
	var c manualConfig
	if err := decode(config, &c); err != nil {
		return Said{}, err
	}
	if env.Ask == nil {
		return Said{}, errNobody
	}
	by, answer, err := env.Ask(ctx, c.Title, c.Instruction)
	if err != nil {
		return Said{By: by}, fmt.Errorf("waiting for a person: %w", err)
	}
	return Said{What: answer, By: by}, nil
}
