package awsfake

// template is a launch template, of which there is one version.
type template struct {
	ID, Name, Image, Type string
}

func templateOperations() map[string]handler {
	return map[string]handler{"CreateLaunchTemplate": createTemplate, "DeleteLaunchTemplate": deleteTemplate}
}

type templateItem struct {
	ID      string `xml:"launchTemplateId"`
	Name    string `xml:"launchTemplateName"`
	Default int    `xml:"defaultVersionNumber"`
	Latest  int    `xml:"latestVersionNumber"`
}

type templateAnswer struct {
	Template templateItem `xml:"launchTemplate"`
}

func createTemplate(c *call) (any, error) {
	t := &template{
		ID: c.server.newID("lt"), Name: c.str("LaunchTemplateName"), Image: c.str("LaunchTemplateData.ImageId"), Type: c.str("LaunchTemplateData.InstanceType"),
	}
	c.state.EC2.Templates[t.ID] = t
	return templateAnswer{templateItem{t.ID, t.Name, 1, 1}}, nil
}

func deleteTemplate(c *call) (any, error) {
	t := c.state.EC2.Templates[c.str("LaunchTemplateId")]
	if t == nil {
		return nil, failf("InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID %s, does not exist.", c.str("LaunchTemplateId"))
	}
	delete(c.state.EC2.Templates, t.ID)
	return templateAnswer{templateItem{t.ID, t.Name, 1, 1}}, nil
}
