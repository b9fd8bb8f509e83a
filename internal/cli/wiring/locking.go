package wiring

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/gameday-toolkit/gameday/internal/pluginhost"
	"github.com/gameday-toolkit/gameday/plugins/sdk"
)

// Dir is the scenario's directory.
func (s Source) Dir() string { return s.dir() }

// Describe asks a plugin for its reference, whatever any lock says.
func (r *Readers) Describe(ctx context.Context, name string) (sdk.Info, error) {
	return r.describe(ctx, name, nil)
}

// Checksum is the SHA-256 of a plugin that has been described.
func (r *Readers) Checksum(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.known[name]; k != nil {
		return k.sha256
	}
	return ""
}

// FindPlugin gives the path of a plugin's file.
func FindPlugin(name string) (string, error) {
	return pluginhost.New(pluginhost.Options{}).Find(name)
}

// PluginNames lists the plugins that a scenario's own files configure. It needs no plugin for that.
func PluginNames(src Source) ([]string, error) {
	paths := []string{src.Path}
	if info, err := os.Stat(src.Path); err != nil {
		return nil, err
	} else if info.IsDir() {
		for _, pattern := range []string{"*.gameday.hcl", "*.gameday.hcl.json"} {
			found, err := filepath.Glob(filepath.Join(src.Path, pattern))
			if err != nil {
				return nil, err
			}
			paths = append(paths, found...)
		}
		paths = paths[1:]
	}
	var names []string
	parser := hclparse.NewParser()
	for _, path := range paths {
		found, err := pluginBlocks(parser, path)
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func pluginBlocks(parser *hclparse.Parser, path string) (names []string, err error) {
	parse := parser.ParseHCLFile
	if strings.HasSuffix(path, ".json") {
		parse = parser.ParseJSONFile
	}
	f, diags := parse(path)
	if diags.HasErrors() {
		return nil, fmt.Errorf("reading %s: %w", path, diags)
	}
	content, _, _ := f.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "plugin", LabelNames: []string{"name"}}}})
	for _, b := range content.Blocks {
		names = append(names, b.Labels[0])
	}
	return names, nil
}
