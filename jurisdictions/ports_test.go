package jurisdictions

import (
	"slices"
	"strings"
	"testing"

	"crosscode/exchange"
)

const onePort = `side: macau
ports:
  - id: gongbei
    kind: land
    cities: {guangdong: zhuhai, macau: macau}
    name: {zh-Hans: 拱北, zh-Hant: 拱北, en: Gongbei, pt: Gongbei}
    opened: 2020-01-23
    service:
      - {from: 2020-05-03, until: 2022-08-03, open: '06:00-01:00', source: a notice, confidence: press}
      - {from: 2022-08-03, until: 2022-08-05, open: shut, source: a notice, confidence: press}
    source: a notice
    confidence: official
`

func TestAPortIsReadWhole(t *testing.T) {
	ports, err := ParsePorts("macau/ports.yaml", []byte(onePort), "macau")
	if err != nil || len(ports) != 1 {
		t.Fatal(ports, err)
	}
	port := ports[0]
	if port.ID != "gongbei" || port.Kind != "land" || port.Cities["guangdong"] != "zhuhai" || port.Name.En != "Gongbei" ||
		port.Opened != "2020-01-23" || len(port.Service) != 2 || port.Service[1].Open != exchange.Shut {
		t.Errorf("read as %+v", port)
	}
	for day, serves := range map[string]bool{
		"2020-01-22": false, "2020-01-23": true, "2022-08-02": true, "2022-08-03": false, "2022-08-04": false, "2022-08-05": true,
	} {
		if date, _ := exchange.ParseDate(day); port.Serves(date) != serves {
			t.Errorf("on %s it serves: %v", day, !serves)
		}
	}
}

// Each fault is told with the line of the file.
func TestAFaultyPortIsRefusedWithItsLine(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"an id that no packet can say", "id: gongbei", "id: Gong Bei", "macau/ports.yaml:3: port.id"},
		{"no id", "  - id: gongbei\n    kind", "  - kind", "port: id is missing"},
		{"an unknown kind", "kind: land", "kind: tunnel", `:4: port.kind: "tunnel" is none of`},
		{"one side", "{guangdong: zhuhai, macau: macau}", "{macau: macau}", ":5: port.cities: want two sides"},
		{"three sides", "{guangdong: zhuhai,", "{hongkong: hongkong, guangdong: zhuhai,", ":5: port.cities: want two sides"},
		{"two other sides", "macau: macau}", "hongkong: hongkong}", ":5: port.cities: want two sides, one of them macau"},
		{"a city that no rule can name", "guangdong: zhuhai", "guangdong: Zhu Hai", ":5: port.cities: want a side and a word"},
		{"a language left out", ", pt: Gongbei}", "}", "port.name: pt is missing"},
		{"a day that is none", "opened: 2020-01-23", "opened: 2020-02-30", ":7: port.opened: want a day"},
		{"closed before it opened", "opened: 2020-01-23", "opened: 2020-01-23\n    closed: 2020-01-23", "port.closed: not after opened"},
		{"hours that are none", "'06:00-01:00'", "'6-1'", ":9: service.open: want hours"},
		{"hours beyond the day", "'06:00-01:00'", "'06:00-25:00'", ":9: service.open: want hours"},
		{"a period that ends before it begins", "until: 2022-08-05", "until: 2022-08-01", "service.until: not after from"},
		{"periods that overlap", "from: 2022-08-03, until: 2022-08-05", "from: 2022-08-02, until: 2022-08-05", "begins before the period above it ends"},
		{"no source", "    source: a notice\n", "", "port: source is missing"},
		{"a confidence that is none", "confidence: official", "confidence: certain", "port.confidence"},
		{"an unknown key", "kind: land", "kind: land\n    colour: green", `unknown key "colour"`},
		{"another side's file", "side: macau", "side: hongkong", "file.side: want macau"},
		{"a port that stands twice", onePort[strings.Index(onePort, "  - id"):], strings.Repeat(onePort[strings.Index(onePort, "  - id"):], 2), "gongbei stands twice"},
	} {
		text := strings.Replace(onePort, test.old, test.new, 1)
		if text == onePort {
			t.Fatalf("%s: nothing was changed", test.name)
		}
		_, err := ParsePorts("macau/ports.yaml", []byte(text), "macau")
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	many := "side: macau\nports:\n" + strings.Repeat(onePort[strings.Index(onePort, "  - id"):], MaxPorts+1)
	if _, err := ParsePorts("macau/ports.yaml", []byte(many), "macau"); err == nil || !strings.Contains(err.Error(), "more than 200") {
		t.Errorf("%d ports: %v", MaxPorts+1, err)
	}
}

// What no side has twice, one file cannot say again: the two could come to differ.
func TestAPortOfABorderStandsInOneFile(t *testing.T) {
	there, err := ParsePorts("macau/ports.yaml", []byte(onePort), "macau")
	if err != nil {
		t.Fatal(err)
	}
	again := strings.Replace(onePort, "side: macau", "side: guangdong", 1)
	if _, err := parsePorts("guangdong/ports.yaml", []byte(again), "guangdong", there); err == nil || !strings.Contains(err.Error(), "stands twice") {
		t.Errorf("the other side's file says it again: %v", err)
	}
	bridge := strings.Replace(again, "macau: macau", "hongkong: hongkong", 1)
	if _, err := parsePorts("guangdong/ports.yaml", []byte(bridge), "guangdong", there); err != nil {
		t.Errorf("one id on two borders: %v", err)
	}
}

// The shipped ports of every route: enough of them, each with names, a source, and days that the codes' years can be told by.
func TestThePortsThatServedTheSixRoutes(t *testing.T) {
	all, err := AllPorts()
	if err != nil {
		t.Fatal(err)
	}
	served := map[string][]exchange.Port{
		"guangdong-macau": {
			"gongbei", "hengqin", "hzmb", "qingmao", "industrial-zone", "wanzai", "jiuzhou", "shekou", "humen", "nansha", "fuyong",
		},
		"guangdong-hongkong": {
			"shenzhen-bay", "hzmb", "luohu", "futian", "huanggang", "liantang", "wenjindu", "shatoujiao", "west-kowloon", "hunghom",
			"hk-airport", "shekou", "fuyong", "shunde", "pazhou", "zhongshan", "jiuzhou",
		},
		"hongkong-macau": {"hzmb", "outer-harbour", "taipa", "skypier", "tuen-mun", "heliport"},
	}
	for id, want := range served {
		route, err := exchange.ParseRoute(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, port := range want {
			if !all.On(route).Has(port) || !all.On(exchange.Route{From: route.To, To: route.From}).Has(port) {
				t.Errorf("%s lacks %s in one direction", id, port)
			}
		}
	}
	for _, port := range all {
		if missing := port.Name.Missing(); len(missing) > 0 || port.Source == "" || port.Confidence == "" {
			t.Errorf("%s lacks %v, its source or its confidence", port.ID, missing)
		}
		if port.Confidence != "assumed" && port.Source == "source not found" {
			t.Errorf("%s is %s without a source", port.ID, port.Confidence)
		}
	}
}

func TestRoutesAtASide(t *testing.T) {
	all, err := AllPorts()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, route := range all.routesAt("macau") {
		ids = append(ids, route.String())
	}
	if want := []string{"guangdong-macau", "hongkong-macau", "macau-guangdong", "macau-hongkong"}; !slices.Equal(ids, want) {
		t.Errorf("Macau's routes are %v, want %v", ids, want)
	}
}
