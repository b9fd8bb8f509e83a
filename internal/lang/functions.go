package lang

import (
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions are those of one source: file() reads beside its files. They are made once for each source.
func (l *loader) functions(src *source) map[string]function.Function {
	if f, ok := l.funcs[src]; ok {
		return f
	}
	f := standardFunctions()
	f["env"] = l.envFunc()
	f["file"] = l.fileFunc(src)
	l.funcs[src] = f
	return f
}

func standardFunctions() map[string]function.Function {
	f := map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "log": stdlib.LogFunc, "max": stdlib.MaxFunc,
		"min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "signum": stdlib.SignumFunc,
		"chomp": stdlib.ChompFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc, "indent": stdlib.IndentFunc,
		"join": stdlib.JoinFunc, "lower": stdlib.LowerFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
		"replace": stdlib.ReplaceFunc, "split": stdlib.SplitFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc,
		"title": stdlib.TitleFunc, "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc,
		"trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc,
		"chunklist": stdlib.ChunklistFunc, "coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc,
		"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc,
		"element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "keys": stdlib.KeysFunc, "lookup": stdlib.LookupFunc,
		"merge": stdlib.MergeFunc, "range": stdlib.RangeFunc, "reverse": stdlib.ReverseListFunc, "setintersection": stdlib.SetIntersectionFunc,
		"setproduct": stdlib.SetProductFunc, "setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc,
		"sort": stdlib.SortFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
		"csvdecode": stdlib.CSVDecodeFunc, "jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
		"formatdate": stdlib.FormatDateFunc, "timeadd": stdlib.TimeAddFunc,
		"can": tryfunc.CanFunc, "try": tryfunc.TryFunc,
		"tobool": stdlib.MakeToFunc(cty.Bool), "tonumber": stdlib.MakeToFunc(cty.Number), "tostring": stdlib.MakeToFunc(cty.String),
		"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
		"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),
	}
	for name, fn := range moreFunctions() {
		f[name] = fn
	}
	return f
}

// envFunc reads the environment. A variable that is not set is an error, unless a second argument says what to take.
func (l *loader) envFunc() function.Function {
	return function.New(&function.Spec{
		Description: "The value of an environment variable.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String}},
		VarParam:    &function.Parameter{Name: "otherwise", Type: cty.String},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if len(args) > 2 {
				return cty.NilVal, fmt.Errorf("takes a name and, if you like, what to take where it is not set")
			}
			if v, ok := l.environ(args[0].AsString()); ok {
				return cty.StringVal(v), nil
			}
			if len(args) == 2 {
				return args[1], nil
			}
			return cty.NilVal, function.NewArgErrorf(0, "the environment variable %s is not set", clip(args[0].AsString()))
		},
	})
}

// fileFunc reads a text file. The path is relative to the directory of the file that calls, and cannot lead out of the
// project (the directory with gameday.hcl) or, without one, out of that directory: a scenario that somebody else wrote
// must not be able to carry the reader's own files into a probe.
func (l *loader) fileFunc(src *source) function.Function {
	return function.New(&function.Spec{
		Description: "The text of a file.",
		Params:      []function.Parameter{{Name: "path", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			text, err := l.readInside(src, args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return cty.StringVal(text), nil
		},
	})
}

func (l *loader) readInside(src *source, path string) (string, error) {
	base := src.dir
	if l.project != nil {
		base = l.project.src.dir
	}
	absBase, _ := filepath.Abs(base)
	abs, _ := filepath.Abs(filepath.Join(src.dir, filepath.FromSlash(path)))
	rel, err := filepath.Rel(absBase, abs)
	if filepath.IsAbs(path) || err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("the file lies outside of %s; file() reads only inside it", filepath.ToSlash(base))
	}
	root, err := os.OpenRoot(absBase)
	if err != nil {
		return "", fmt.Errorf("the directory cannot be read: %s", plainError(err))
	}
	defer func() { _ = root.Close() }()
	f, err := root.Open(rel)
	if err != nil {
		return "", fmt.Errorf("the file cannot be read: %s", plainError(err))
	}
	defer func() { _ = f.Close() }()
	b, err := readAllBounded(f)
	if err != nil {
		return "", fmt.Errorf("the file cannot be read: %s", plainError(err))
	}
	if !utf8.Valid(b) {
		return "", fmt.Errorf("the file is not text in UTF-8")
	}
	l.reads[abs] = checksum(b)
	return string(b), nil
}
