// Renders the templates of a chart as Helm does: Go's text/template with Sprig's functions, and toYaml. The chart's folder
// is the argument; values and release are read as JSON. Documents are written as they come, by the order of their files.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

func toYaml(value interface{}) (string, error) {
	text, err := yaml.Marshal(value)
	return strings.TrimSuffix(string(text), "\n"), err
}

func main() {
	var scope map[string]interface{}
	if err := json.NewDecoder(os.Stdin).Decode(&scope); err != nil {
		log.Fatal(err)
	}
	functions := sprig.TxtFuncMap()
	functions["toYaml"] = toYaml
	files, err := filepath.Glob(filepath.Join(os.Args[1], "templates", "*.yaml"))
	if err != nil {
		log.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			log.Fatal(err)
		}
		parsed, err := template.New(file).Option("missingkey=error").Funcs(functions).Parse(string(text))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("---")
		if err := parsed.Execute(os.Stdout, scope); err != nil {
			log.Fatal(err)
		}
	}
}
