package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// YAML reads one YAML document. Aliases are written out, and count each time.
func YAML(src []byte) (n *Node, err error) {
	if len(src) > maxYAML {
		return nil, fmt.Errorf("it has more than %d MiB of YAML", maxYAML>>20)
	}
	defer func() {
		if p := recover(); p != nil { // of the library: whatever is in a file, it is the file's mistake
			n, err = nil, &Error{1, fmt.Errorf("this is not YAML: %v", p)}
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc, second yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, &Error{1, errors.New("there is nothing in it")}
	case err != nil:
		return nil, yamlError(err)
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, &Error{max(second.Line, 1), errors.New("there is more than one document in it, and one is read")}
	}
	r := &yamlReader{budget: budget{maxNodes}}
	return r.value(doc.Content[0], 0)
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// yamlError takes the line out of the library's text.
func yamlError(err error) error {
	line, text := 1, err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = yamlLine.ReplaceAllString(text, "")
	}
	return &Error{max(line, 1), fmt.Errorf("this is not YAML: %s", text)}
}

type yamlReader struct{ budget budget }

func (r *yamlReader) value(y *yaml.Node, depth int) (*Node, error) {
	if err := r.budget.take(y.Line, depth); err != nil {
		return nil, err
	}
	switch y.Kind {
	case yaml.AliasNode:
		return r.value(y.Alias, depth+1)
	case yaml.ScalarNode:
		return scalar(y), nil
	case yaml.SequenceNode:
		n := &Node{Kind: List, Line: y.Line}
		for _, item := range y.Content {
			v, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.Items = append(n.Items, v)
		}
		return n, nil
	case yaml.MappingNode:
		return r.mapping(y, depth)
	}
	return nil, &Error{y.Line, errors.New("this is not a value")}
}

func scalar(y *yaml.Node) *Node {
	n := &Node{Kind: Text, Text: y.Value, Line: y.Line}
	switch y.ShortTag() {
	case "!!null":
		n.Kind, n.Text = Null, ""
	case "!!bool":
		n.Kind = Bool
		if b := bytes.ToLower([]byte(y.Value)); slices.Contains([]string{"true", "yes", "on", "y"}, string(b)) {
			n.Text = "true"
		} else {
			n.Text = "false"
		}
	case "!!int", "!!float":
		n.Kind = Number
	}
	return n
}

// mapping reads a map. What it merges in (<<) gives way to its own keys.
func (r *yamlReader) mapping(y *yaml.Node, depth int) (*Node, error) {
	n := &Node{Kind: Map, Line: y.Line}
	var merged []*Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := y.Content[i]
		v, err := r.value(y.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		switch {
		case k.ShortTag() == "!!merge" && v.Kind == List:
			merged = append(merged, v.Items...)
		case k.ShortTag() == "!!merge":
			merged = append(merged, v)
		case k.Kind != yaml.ScalarNode:
			return nil, &Error{k.Line, errors.New("the name of a field is not a plain word")}
		default:
			n.Keys, n.Items = append(n.Keys, k.Value), append(n.Items, v)
		}
	}
	own := len(n.Keys)
	for _, m := range merged {
		for i, key := range m.Keys {
			if err := r.budget.take(m.Line, depth); err != nil {
				return nil, err
			}
			if !slices.Contains(n.Keys[:own], key) && m.Kind == Map {
				n.Keys, n.Items = append(n.Keys, key), append(n.Items, m.Items[i])
			}
		}
	}
	return n, nil
}
