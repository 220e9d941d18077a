// The text forbids most pairs of caller and called: aLeaf comes from aMid alone, that from a, and so on. Calls in prologues, through
// inline caches, of generators that two callers resume, of code that is made and freed, beside a collector at work.

const shapes = [{ a: 1 }, { b: 1, a: 2 }, { c: 1, a: 3 }, { d: 1, a: 4 }, { e: 1, a: 5 }, { f: 1, a: 6 }];
function aLeaf(shape, i) {
  return shape.a + i;
}
function bLeaf(shape, i) {
  return shape.a * i;
}
function aMid(i) {
  let sum = 0;
  for (let k = 0; k < 20; k++) sum += aLeaf(shapes[(i + k) % 6], i);
  return sum;
}
function bMid(i) {
  let sum = 0;
  for (let k = 0; k < 20; k++) sum += bLeaf(shapes[(i + k) % 6], i);
  return sum;
}
function a(n) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += aMid(i);
  return sum;
}
function b(n) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += bMid(i);
  return sum;
}
function fib(n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
function* aGenerated() {
  for (let sum = 0; ; ) {
    for (let i = 0; i < 3000; i++) sum += i % 7;
    yield sum;
  }
}
function* bGenerated() {
  for (let sum = 0; ; ) {
    for (let i = 0; i < 3000; i++) sum += i % 5;
    yield sum;
  }
}
const aRunning = aGenerated();
const bRunning = bGenerated();
function aDrive() {
  for (let i = 0; i < 50; i++) aRunning.next();
}
function bDrive() {
  for (let i = 0; i < 50; i++) bRunning.next();
}
function garbage() {
  const kept = [];
  for (let i = 0; i < 20_000; i++) kept.push({ i, text: `k${i}`, closure: () => i });
  return kept.length;
}
function made(i) {
  const text = `function inner${i}(n) { let s = 0; for (let k = 0; k < n; k++) s += k * ${i}; return s } return inner${i}(n)`;
  return new Function('n', text)(2000);
}
function main() {
  const end = Date.now() + 1000 * Number(process.argv[2]);
  console.log('ready');
  for (let n = 0; Date.now() < end; ) {
    a(1000);
    b(1000);
    fib(18);
    aDrive();
    bDrive();
    garbage();
    for (let i = 0; i < 20; i++) made(n++ % 1000);
  }
}
main();
