// node validate_har.cjs FOLDER < FILE: whether FILE is a HAR, by the har-validator installed in FOLDER.
const { createRequire } = require("module");
const { har } = createRequire(process.argv[2] + "/package.json")("har-validator");
har(JSON.parse(require("fs").readFileSync(0, "utf8"))).then(
  () => console.log("valid"),
  (error) => { console.log(JSON.stringify(error.errors ?? String(error))); process.exit(1); },
);
