package sdk

// Type is the type of an attribute, in the words of HCL type constraints, and "duration" for a string such as "1m30s".
type Type string

// The types that an attribute may have.
const (
	String     Type = "string"
	Number     Type = "number"
	Bool       Type = "bool"
	Duration   Type = "duration"
	StringList Type = "list(string)"
	NumberList Type = "list(number)"
	StringMap  Type = "map(string)"
)

// Schema describes a block: its attributes and the blocks inside it. It is plain data and travels between processes.
type Schema struct {
	Doc        string      `json:"doc,omitempty"`
	Attributes []Attribute `json:"attributes,omitempty"`
	Blocks     []Block     `json:"blocks,omitempty"`
}

// Attribute is one name = value of a block.
type Attribute struct {
	Name      string `json:"name"`
	Type      Type   `json:"type"`
	Required  bool   `json:"required,omitempty"`
	Sensitive bool   `json:"sensitive,omitempty"`
	Doc       string `json:"doc,omitempty"`
	// Default is filled in by the core when the attribute is not set, and shown in the reference.
	Default any `json:"default,omitempty"`
	// OneOf lists the only values allowed, where there is such a list (strings only).
	OneOf []string `json:"one_of,omitempty"`
}

// Block is a nested block. In the decoded Config it is an object if Max is 1, and a list of objects otherwise.
type Block struct {
	Name string `json:"name"`
	// Min is how many there must be; Max how many there may be, 0 for any number.
	Min    int    `json:"min,omitempty"`
	Max    int    `json:"max,omitempty"`
	Schema Schema `json:"schema"`
}

// Info is all that a plugin says about itself: the reference of its blocks.
type Info struct {
	Name    string            `json:"name"`
	Version string            `json:"version"`
	Doc     string            `json:"doc,omitempty"`
	Config  Schema            `json:"config"`
	Outputs []Attribute       `json:"outputs,omitempty"`
	Targets map[string]Schema `json:"targets,omitempty"`
	Faults  map[string]Schema `json:"faults,omitempty"`
	Actions map[string]Schema `json:"actions,omitempty"`
	Probers map[string]Schema `json:"probers,omitempty"`
	Ledgers map[string]Schema `json:"ledgers,omitempty"`
	Alerts  map[string]Schema `json:"alerts,omitempty"`
	// Documents says of each document what it is, by name.
	Documents map[string]string `json:"documents,omitempty"`
}

// Describe collects the schemas of everything the plugin offers.
func (p *Plugin) Describe() Info {
	docs := make(map[string]string, len(p.Documents))
	for name, d := range p.Documents {
		docs[name] = d.Doc
	}
	return Info{
		Name: p.Name, Version: p.Version, Doc: p.Doc, Config: p.Config, Outputs: p.Outputs,
		Targets: schemas(p.Targets), Faults: schemas(p.Faults), Actions: schemas(p.Actions), Probers: schemas(p.Probers),
		Ledgers: schemas(p.Ledgers), Alerts: schemas(p.Alerts), Documents: docs,
	}
}

func schemas[T interface{ Schema() Schema }](m map[string]T) map[string]Schema {
	out := make(map[string]Schema, len(m))
	for name, v := range m {
		out[name] = v.Schema()
	}
	return out
}
