package awsfake

import (
	"net/http"
)

// lambdaState is what Lambda keeps for a region.
type lambdaState struct{ Functions map[string]*function }

type function struct {
	Name, ARN   string
	Reserved    *int
	Provisioned int
	Tags        map[string]string
}

const concurrency = 1000

func newLambda() lambdaState { return lambdaState{map[string]*function{}} }

func lambdaOperations() map[string]handler {
	return map[string]handler{
		"CreateFunction": createFunction, "DeleteFunction": deleteFunction, "ListFunctions": listFunctions, "GetAccountSettings": getAccountSettings,
		"GetFunctionConcurrency": getConcurrency, "PutFunctionConcurrency": putConcurrency, "DeleteFunctionConcurrency": deleteConcurrency,
		"ListProvisionedConcurrencyConfigs": listProvisioned, "PutProvisionedConcurrencyConfig": putProvisioned,
		"ListTags": listFunctionTags, "TagResource": tagFunction, "UntagResource": untagFunction,
	}
}

func lambdaRoutes() []route {
	return []route{
		{restJSON, http.MethodPost, "/2015-03-31/functions", "CreateFunction"},
		{restJSON, http.MethodGet, "/2015-03-31/functions", "ListFunctions"},
		{restJSON, http.MethodDelete, "/2015-03-31/functions/*", "DeleteFunction"},
		{restJSON, http.MethodGet, "/2016-08-19/account-settings", "GetAccountSettings"},
		{restJSON, http.MethodGet, "/2019-09-30/functions/*/concurrency", "GetFunctionConcurrency"},
		{restJSON, http.MethodPut, "/2017-10-31/functions/*/concurrency", "PutFunctionConcurrency"},
		{restJSON, http.MethodDelete, "/2017-10-31/functions/*/concurrency", "DeleteFunctionConcurrency"},
		{restJSON, http.MethodGet, "/2019-09-30/functions/*/provisioned-concurrency", "ListProvisionedConcurrencyConfigs"},
		{restJSON, http.MethodPut, "/2019-09-30/functions/*/provisioned-concurrency", "PutProvisionedConcurrencyConfig"},
		{restJSON, http.MethodGet, "/2017-03-31/tags/*", "ListTags"},
		{restJSON, http.MethodPost, "/2017-03-31/tags/*", "TagResource"},
		{restJSON, http.MethodDelete, "/2017-03-31/tags/*", "UntagResource"},
	}
}

type functionItem struct{ FunctionName, FunctionArn, Runtime string }

func createFunction(c *call) (any, error) {
	var in struct {
		FunctionName string
		Tags         map[string]string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	f := &function{Name: in.FunctionName, ARN: "arn:aws:lambda:" + c.region + ":" + Account + ":function:" + in.FunctionName, Tags: map[string]string{}}
	for k, v := range in.Tags {
		f.Tags[k] = v
	}
	c.state.Lambda.Functions[f.Name] = f
	return functionItem{f.Name, f.ARN, "provided.al2023"}, nil
}

// function finds one by the name or the ARN in the path.
func (c *call) function() (*function, error) {
	for _, f := range c.state.Lambda.Functions {
		if f.Name == c.pathElements[0] || f.ARN == c.pathElements[0] {
			return f, nil
		}
	}
	return nil, &Error{"ResourceNotFoundException", "Function not found: " + c.pathElements[0], http.StatusNotFound}
}

func deleteFunction(c *call) (any, error) {
	f, err := c.function()
	if err == nil {
		delete(c.state.Lambda.Functions, f.Name)
	}
	return nil, err
}

func listFunctions(c *call) (any, error) {
	var all []functionItem
	for _, f := range ordered(c.state.Lambda.Functions) {
		all = append(all, functionItem{f.Name, f.ARN, "provided.al2023"})
	}
	var out struct {
		Functions  []functionItem
		NextMarker string `json:",omitempty"`
	}
	var err error
	out.Functions, out.NextMarker, err = page(all, c.request.URL.Query().Get("Marker"), 2)
	return out, err
}

// unreserved is what is left for all the functions that have nothing reserved.
func (l lambdaState) unreserved() int {
	left := concurrency
	for _, f := range l.Functions {
		if f.Reserved != nil {
			left -= *f.Reserved
		}
	}
	return left
}

func getAccountSettings(c *call) (any, error) {
	var out struct {
		AccountLimit struct{ ConcurrentExecutions, UnreservedConcurrentExecutions int }
	}
	out.AccountLimit.ConcurrentExecutions, out.AccountLimit.UnreservedConcurrentExecutions = concurrency, c.state.Lambda.unreserved()
	return out, nil
}

type reservedAnswer struct {
	ReservedConcurrentExecutions *int `json:",omitempty"`
}

func getConcurrency(c *call) (any, error) {
	f, err := c.function()
	if err != nil {
		return nil, err
	}
	return reservedAnswer{f.Reserved}, nil
}

func putConcurrency(c *call) (any, error) {
	f, err := c.function()
	if err != nil {
		return nil, err
	}
	var in reservedAnswer
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	was := f.Reserved
	f.Reserved = in.ReservedConcurrentExecutions
	if c.state.Lambda.unreserved() < 100 || f.Provisioned > *f.Reserved {
		f.Reserved = was
		return nil, failf("InvalidParameterValueException", "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	}
	return in, nil
}

func deleteConcurrency(c *call) (any, error) {
	f, err := c.function()
	if err == nil {
		f.Reserved = nil
	}
	return nil, err
}

func listProvisioned(c *call) (any, error) {
	f, err := c.function()
	if err != nil {
		return nil, err
	}
	type item struct{ RequestedProvisionedConcurrentExecutions int }
	var out struct{ ProvisionedConcurrencyConfigs []item }
	if f.Provisioned > 0 {
		out.ProvisionedConcurrencyConfigs = []item{{f.Provisioned}}
	}
	return out, nil
}

func putProvisioned(c *call) (any, error) {
	f, err := c.function()
	if err != nil {
		return nil, err
	}
	var in struct{ ProvisionedConcurrentExecutions int }
	err = c.decode(&in)
	f.Provisioned = in.ProvisionedConcurrentExecutions
	return nil, err
}

func listFunctionTags(c *call) (any, error) {
	f, err := c.function()
	if err != nil {
		return nil, err
	}
	return struct{ Tags map[string]string }{f.Tags}, nil
}

func tagFunction(c *call) (any, error) {
	f, err := c.function()
	if err != nil {
		return nil, err
	}
	var in struct{ Tags map[string]string }
	err = c.decode(&in)
	for k, v := range in.Tags {
		f.Tags[k] = v
	}
	return nil, err
}

func untagFunction(c *call) (any, error) {
	f, err := c.function()
	if err != nil {
		return nil, err
	}
	for _, k := range c.request.URL.Query()["tagKeys"] {
		delete(f.Tags, k)
	}
	return nil, nil
}
