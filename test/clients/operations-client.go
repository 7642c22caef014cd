// One operation of a Go SDK's Lambda client per line of standard input: [name, input]; answers ["ok", output], ["unknown"] or ["error", why].
// Arguments: v1 or v2, and the endpoint.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/config"
	lambda2 "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	lambda1 "github.com/aws/aws-sdk-go/service/lambda"
)

func clientOf(version, endpoint string) (client reflect.Value, before []reflect.Value) {
	if version == "v1" {
		// By itself it writes what it thinks of old operations between the answers.
		silent := aws.LoggerFunc(func(...interface{}) {})
		made := session.Must(session.NewSession(&aws.Config{Endpoint: &endpoint, Logger: silent}))
		return reflect.ValueOf(lambda1.New(made)), nil
	}
	background := context.Background()
	loaded, err := config.LoadDefaultConfig(background)
	if err != nil {
		panic(err)
	}
	made := lambda2.NewFromConfig(loaded, func(options *lambda2.Options) {
		options.EndpointResolver = lambda2.EndpointResolverFromURL(endpoint)
	})
	return reflect.ValueOf(made), []reflect.Value{reflect.ValueOf(background)}
}

// Bytes as encoding/json takes them: base64 alone.
func plain(value interface{}) interface{} {
	members, is := value.(map[string]interface{})
	if !is {
		return value
	}
	if text, is := members["$bytes"]; is {
		return text
	}
	for name, member := range members {
		members[name] = plain(member)
	}
	return members
}

// Into an input of the SDK, whose members have the names of the service model; a stream is the one thing that JSON cannot fill.
func fill(input reflect.Value, members map[string]interface{}) error {
	if field := input.Elem().FieldByName("InvokeArgs"); field.IsValid() {
		text, _ := members["InvokeArgs"].(string)
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return err
		}
		field.Set(reflect.ValueOf(bytes.NewReader(data)))
		delete(members, "InvokeArgs")
	}
	text, err := json.Marshal(members)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, input.Interface())
}

func call(client reflect.Value, before []reflect.Value, name string, members map[string]interface{}) []interface{} {
	method := client.MethodByName(name)
	if !method.IsValid() {
		return []interface{}{"unknown"}
	}
	input := reflect.New(method.Type().In(len(before)).Elem())
	if err := fill(input, members); err != nil {
		return []interface{}{"error", err.Error()}
	}
	results := method.Call(append(append([]reflect.Value{}, before...), input))
	if err, failed := results[1].Interface().(error); failed {
		return []interface{}{"error", err.Error()}
	}
	return []interface{}{"ok", results[0].Interface()}
}

func main() {
	client, before := clientOf(os.Args[1], os.Args[2])
	lines := bufio.NewReader(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked []interface{}
		if err := json.Unmarshal(line, &asked); err != nil {
			panic(err)
		}
		members, _ := plain(asked[1]).(map[string]interface{})
		if err := answers.Encode(call(client, before, asked[0].(string), members)); err != nil {
			panic(err)
		}
	}
}
