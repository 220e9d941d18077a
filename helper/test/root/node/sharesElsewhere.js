exports.thirty = function thirty() {
  let sum = 0;
  for (let i = 0; i < 300_000; i++) sum = (sum * 31 + i) | 0; // 30 %
  return sum;
};

exports.ten = () => {
  let sum = 0;
  for (let i = 0; i < 100_000; i++) sum = (sum * 31 + i) | 0; // 10 %
  return sum;
};
