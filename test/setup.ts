import '../src/plugin-name.ts'
