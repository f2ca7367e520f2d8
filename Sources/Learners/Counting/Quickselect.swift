extension Array where Element: Comparable {
    /// Puts the element that would stand at `place` if they were sorted there, those before it in front of it and those behind
    /// it behind, each in no order among themselves (quickselect: Hoare, "Algorithm 65: Find", 1961).
    ///
    /// What is in order stays in it where nothing has to change sides. Elements that no order knows, as NaN, come anywhere.
    @inlinable
    package mutating func select(_ place: Int) {
        guard indices.contains(place) else { return }
        withUnsafeMutableBufferPointer { elements in
            var (low, high) = (0, elements.count - 1)
            while low < high {
                let pivot = elements[low + (high - low) / 2]
                var (left, right) = (low, high)
                while left <= right {
                    while elements[left] < pivot { left += 1 }
                    while pivot < elements[right] { right -= 1 }
                    guard left <= right else { break }
                    elements.swapAt(left, right)
                    left += 1
                    right -= 1
                }
                if place <= right { high = right } else if place >= left { low = left } else { break }
            }
        }
    }
}
