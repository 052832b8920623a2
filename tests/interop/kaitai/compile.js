// Compile formats of Kaitai Struct to Python: node compile.js FOLDER FORMAT...
const compiler = require('kaitai-struct-compiler');
const yaml = require('js-yaml');
const fs = require('fs');
const path = require('path');

(async () => {
  const [folder, ...formats] = process.argv.slice(2);
  for (const format of formats) {
    const made = await compiler.compile('python', yaml.load(fs.readFileSync(format, 'utf8')), null, false);
    for (const name in made) fs.writeFileSync(path.join(folder, name), made[name]);
  }
})().catch(error => { console.error(String(error)); process.exit(1); });
