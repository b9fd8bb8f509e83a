package guard

import (
	"time"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// Functions are those that a condition may call: what is useful with numbers, and nothing that reads the world.
func Functions() map[string]function.Function {
	return map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "max": stdlib.MaxFunc, "min": stdlib.MinFunc,
		"contains": stdlib.ContainsFunc, "coalesce": stdlib.CoalesceFunc, "can": tryfunc.CanFunc, "try": tryfunc.TryFunc,
		"duration": Duration(),
	}
}

// Duration is the function duration(): the seconds of a duration, so that it can be computed with.
func Duration() function.Function {
	return function.New(&function.Spec{
		Description: "The seconds of a duration such as \"1m30s\".",
		Params:      []function.Parameter{{Name: "text", Type: cty.String}},
		Type:        function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			d, err := time.ParseDuration(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgErrorf(0, "this is not a duration such as \"1m30s\"")
			}
			return cty.NumberFloatVal(d.Seconds()), nil
		},
	})
}
