// Names of many languages, split where a reader would: what is dimmed, and what is always kept.
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { nameParts, shortName } from '../../src/names';

const CASES: [name: string, scope: string, last: string][] = [
  ['main', '', 'main'],
  [
    'nlohmann::detail::lexer<nlohmann::basic_json<std::map>, int>::scan_number',
    'nlohmann::detail::lexer<…>::',
    'scan_number',
  ],
  ['json::parse(std::string_view)', 'json::', 'parse(std::string_view)'],
  ['Cart::price() const', 'Cart::', 'price() const'],
  ['std::vector<Item>::push_back(Item&&)', 'std::vector<Item>::', 'push_back(Item&&)'],
  ['std::function<void (int)>::operator()(int) const', 'std::', 'function<void (int)>::operator()(int) const'],
  ['operator new(unsigned long)', '', 'operator new(unsigned long)'],
  ['(anonymous namespace)::work', '(anonymous namespace)::', 'work'],
  ['ns::operator<<', '', 'ns::operator<<'],
  ['main.(*Server).handle', 'main.(*Server).', 'handle'],
  ['main.main.func1', 'main.', 'main.func1'],
  ['github.com/gin-gonic/gin.(*Context).Next', 'github.com/gin-gonic/gin.(*Context).', 'Next'],
  [
    '<alloc::vec::Vec<T> as core::iter::Extend<T>>::extend',
    '<alloc::vec::Vec<T> as core::iter::Extend<T>>::',
    'extend',
  ],
  [
    'core::ops::function::FnOnce::call_once{{vtable.shim}}',
    'core::ops::function::FnOnce::',
    'call_once{{vtable.shim}}',
  ],
  ['app::run::{{closure}}', 'app::', 'run::{{closure}}'],
  ['Parser.parse_value', 'Parser.', 'parse_value'],
  ['Loader.load.<locals>.<lambda>', 'Loader.', 'load.<locals>.<lambda>'],
  ['do_syscall_64.part.0', '', 'do_syscall_64.part.0'],
  ['libcrypto.so.3+0x1f2a40', '', 'libcrypto.so.3+0x1f2a40'],
  ['[truncated: no frame pointer]', '', '[truncated: no frame pointer]'],
  ['<anonymous>', '', '<anonymous>'],
  ['libc.so.6 ▸', '', 'libc.so.6 ▸'],
  ['::', '', '::'],
  ['', '', ''],
];

describe('a function’s name', () => {
  for (const [name, scope, last] of CASES)
    it(`${name || '(empty)'}: keeps ${last || 'nothing'}`, () => {
      deepStrictEqual(nameParts(name), { scope, last, inlined: false });
    });

  it('has its mark for what was inlined, in tables and in the graph', () => {
    deepStrictEqual(nameParts('a::b (inlined)'), { scope: 'a::', last: 'b', inlined: true });
    strictEqual(shortName('a::b (inlined)'), '↳ a::b');
  });

  it('is looked at once, however it is made', () => {
    const began = process.cpuUsage().user;
    for (const part of ['<', '::', 'a.', 'operator', '((', ' ', '<>::', '->'])
      for (const length of [1_900, 100_000]) ok(nameParts(part.repeat(length)).last.length > 0);
    ok(process.cpuUsage().user - began < 5e6, 'no more than linear');
  });
});
