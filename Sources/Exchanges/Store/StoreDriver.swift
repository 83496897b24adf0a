/// Puts the exchanges of one connection into the store.
public final class StoreDriver: ObserverDriver {
  private let store: ExchangeStore
  private let place: ObservedPlace

  public init(_ store: ExchangeStore, _ place: ObservedPlace) {
    self.store = store
    self.place = place
  }

  public override func nextID() -> UInt64 { store.nextID() }
  public override var keepsBodies: Bool { store.keepsBodies }
  public override func mayKeep(_ count: Int) -> Bool { store.mayKeep(count) }
  public override func mayHold(_ count: Int) -> Bool { store.mayHold(count) }
  public override func isOf(_ kind: ConnectionKind) { store.isOf(kind, at: place) }
  public override func began(_ exchange: ObservedExchange) { store.began(exchange) }
  public override func ended(_ exchange: ObservedExchange) { store.ended(exchange) }
}
