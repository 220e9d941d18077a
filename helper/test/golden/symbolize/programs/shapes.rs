// Rust with traits, generics, closures, iterators and a panic path.
use std::collections::BTreeMap;
use std::fmt;

trait Shape {
    fn area(&self) -> f64;
    fn name(&self) -> String;
}

struct Circle(f64);
struct Polygon<const N: usize> {
    sides: [f64; N],
}

impl Shape for Circle {
    fn area(&self) -> f64 {
        std::f64::consts::PI * self.0 * self.0
    }
    fn name(&self) -> String {
        format!("circle {:.1}", self.0)
    }
}

impl<const N: usize> Shape for Polygon<N> {
    fn area(&self) -> f64 {
        self.sides.iter().zip(self.sides.iter().skip(1)).map(|(a, b)| a * b / 2.0).sum()
    }
    fn name(&self) -> String {
        format!("{}-gon", N)
    }
}

struct Report<'a>(&'a BTreeMap<String, Vec<f64>>);

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, areas) in self.0 {
            writeln!(f, "{name}: {:?}", areas)?;
        }
        Ok(())
    }
}

#[inline(never)]
fn collect(shapes: &[Box<dyn Shape>]) -> BTreeMap<String, Vec<f64>> {
    let mut by_name: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for shape in shapes {
        by_name.entry(shape.name()).or_default().push(shape.area());
    }
    by_name.values_mut().for_each(|areas| areas.sort_by(|a, b| b.partial_cmp(a).unwrap()));
    by_name
}

fn main() {
    let mut shapes: Vec<Box<dyn Shape>> = Vec::new();
    for i in 1..20 {
        shapes.push(Box::new(Circle(i as f64 % 5.0)));
        shapes.push(Box::new(Polygon::<3> { sides: [i as f64, 2.0, 3.0] }));
        shapes.push(Box::new(Polygon::<4> { sides: [1.0, i as f64, 3.0, 4.0] }));
    }
    println!("{}", Report(&collect(&shapes)));
}
